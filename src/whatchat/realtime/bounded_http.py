"""Uvicorn's HTTP protocol, bounded."""

from functools import partial
from typing import Any, cast

import httptools

from whatchat.realtime.arrivals import (
    FULL,
    HEAD_BYTES,
    HEAD_TOO_LARGE,
    NOT_HTTP,
    PIPELINED,
    TOO_LATE,
    Answer,
    Arrivals,
    head_size,
    log_refusal,
)
from whatchat.realtime.seams import LibraryHttp


class _OutOfBounds(Exception):
    """Stops the parser; its argument is what the client is answered."""


class BoundedHttp(LibraryHttp):
    """Serves HTTP within the bounds that :mod:`whatchat.realtime.arrivals` sets."""

    def __init__(self, arrivals: Arrivals, **options: Any) -> None:
        super().__init__(**options)
        self._arrivals = arrivals
        self._overhead = 0  # bytes of the request on its way, without its body

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self._arrivals.is_full(len(self.connections)):
            self.transport.write(FULL.wire)
            self._close()
        else:
            self._arrivals.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrivals.end(self)
        self._wake()  # the library's timer would hold what was cut off for all that time
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._wake()
        self._overhead += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._leave_http(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.args[0] if isinstance(cause, _OutOfBounds) else NOT_HTTP)
        else:
            self._weigh()

    def _weigh(self) -> None:
        if self in self._arrivals:
            if self._overhead > HEAD_BYTES:
                self._refuse(HEAD_TOO_LARGE)
            return
        self._overhead = 0
        if self.cycle.response_complete:
            self._arrivals.begin(self)  # empty lines only, and they ended the idle time

    def on_message_begin(self) -> None:
        self._arrivals.begin(self)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._overhead > HEAD_BYTES and head_size(self.url, self.headers) > HEAD_BYTES:
            raise _OutOfBounds(HEAD_TOO_LARGE)
        if len(self.pipeline) == PIPELINED:
            raise _OutOfBounds(NOT_HTTP)
        super().on_headers_complete()
        self._arrivals.restart(self)
        if not self.parser.should_upgrade():
            self.headers = []  # trailers are not headers

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._arrivals.end(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.is_idle():
            self._arrivals.rest(self)

    def make_room(self) -> None:
        """There is no room for a newcomer."""
        self.end_idle_time()
        self._close()

    def late(self) -> None:
        """The request did not come in time; while we do not read, that is not its fault."""
        if self.transport.is_closing():
            self.transport.abort()
        elif self.flow.read_paused:
            self._arrivals.begin(self)
        else:
            self._refuse(TOO_LATE)

    def _wake(self) -> None:
        self.end_idle_time()
        self._arrivals.wake(self)

    def _leave_http(self, rest: bytes) -> None:
        if not self.wants_websocket():
            self.cycle.keep_alive = False  # where the next request would begin is not certain
        elif self._is_answering() or self.flow.write_paused:
            # The transport would never say again that its peer leaves unread what was answered.
            self._refuse(NOT_HTTP)
        else:
            self.handle_websocket_upgrade()
            self.drop_parser()
            if rest and not self.transport.is_closing():
                cast("Any", self.transport.get_protocol()).data_received(rest)

    def _refuse(self, answer: Answer) -> None:
        """Answer and close; what was asked for before is answered first."""
        cycle: Any = self.cycle
        if self._is_answering():
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if (
            cycle is None
            or cycle.response_complete
            or not (self.pipeline or cycle.response_started)
        ):
            self.transport.write(answer.wire)
        self._close()
        log_refusal(answer)

    def _close(self) -> None:
        self.transport.close()
        self._arrivals.begin(self)  # it may leave unread what has to be out before

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return not (cycle is None or cycle.more_body or cycle.response_complete)


def bounded_http(arrivals: Arrivals) -> Any:
    """What uvicorn's ``http`` setting takes."""
    return partial(BoundedHttp, arrivals)
