"""The server side of the WebSocket protocol (RFC 6455), as uvicorn runs it for a connection."""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from whatchat.realtime import upgrade
from whatchat.realtime.fragments import Fragments
from whatchat.realtime.frame import CLOSE, PONG, TEXT, close_frame, encode
from whatchat.realtime.link import (
    DRAINING,
    INTERNAL_ERROR,
    INVALID_TEXT,
    PROTOCOL_ERROR,
    Closing,
)
from whatchat.realtime.outflow import Outflow
from whatchat.realtime.parsed_frame import ParsedFrame
from whatchat.realtime.session import Session

if TYPE_CHECKING:
    from whatchat.realtime.engine import Engine
    from whatchat.realtime.seams import FrameParser


NORMAL: Final = 1000
NO_STATUS: Final = 1005

TURN_SECONDS: Final = 0.001
"""So long the frames of one client may hold up everybody else."""


class Sink(Protocol):
    """Takes the messages of a WebSocket."""

    def take(self, packet: str | bytes) -> None: ...

    def dismiss(self, closing: Closing) -> None: ...

    def overflow(self) -> None: ...

    def end(self, reason: str) -> None: ...


class WebSocketProtocol(Outflow):
    """One WebSocket; implements :class:`~whatchat.realtime.session.Carrier`.

    Frames are parsed in C, by a parser that is borrowed while bytes are there: a connection
    between two messages holds none. Extensions are never agreed to.
    """

    __slots__ = (
        "_engine",
        "_failed",
        "_live",
        "_message",
        "_parser",
        "_reading",
        "_resting",
        "_sent_close",
        "_unread",
        "sink",
    )

    name = "websocket"

    def __init__(
        self,
        engine: "Engine",
        *,
        config: Any,  # noqa: ARG002 - uvicorn's; ours comes from the engine
        server_state: Any,
        app_state: Any,  # noqa: ARG002
    ) -> None:
        super().__init__(engine.flusher)
        self._engine = engine
        self._live: set[Any] = server_state.connections
        self.sink: Sink | None = None
        self._parser: FrameParser | None = None
        self._message: Fragments | None = None
        self._unread = b""
        self._reading = True
        self._resting = self._sent_close = self._failed = False

    # What uvicorn and the loop call.

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._live.add(self)

    def data_received(self, data: bytes) -> None:
        if self._failed:
            return
        if self.sink is None:
            self._shake_hands(data)
        elif self._resting or not self._reading:
            self._unread += data
        else:
            self._parse(data)

    def eof_received(self) -> None:
        """Nothing more comes: the transport closes itself, once what waits is read."""
        self.flush()
        self._engine.ending.put(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._live.discard(self)
        self._engine.ending.drop(self)
        self._parser = None
        self._unread = b""
        self.discard()
        if self.sink is not None:
            self.sink.end("transport close")
            self.sink = None

    def shutdown(self) -> None:
        """Uvicorn ends; whoever is still here was not moved in time."""
        if self.sink is None:
            self._socket.close()
        else:
            self.sink.dismiss(DRAINING)

    # The carrier.

    def carries(self, session: Session) -> None:
        self.sink = session

    def overflow(self) -> None:
        if self.sink is not None:
            self.sink.overflow()

    def pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        if self._reading or self._socket.is_closing():
            return
        self._reading = True
        if not self._resting:
            self._read_on()

    def finish(self, code: int) -> None:
        if self._sent_close or self._socket.is_closing():
            return
        self._sent_close = True
        self.append(close_frame(code))
        self._engine.ending.put(self)
        self.resume_reading()  # the answer to it may be among what is not read

    def leave(self) -> None:
        self.finish(NORMAL)

    def abort(self) -> None:
        self.discard()
        self._socket.abort()

    # What comes in.

    def _rest(self) -> None:
        """Read on once everybody else has had a turn."""
        self._resting = True
        self._socket.pause_reading()
        asyncio.get_running_loop().call_soon(self._end_rest)

    def _end_rest(self) -> None:
        self._resting = False
        if self._reading and not self._socket.is_closing():
            self._read_on()

    def _read_on(self) -> None:
        unread, self._unread = self._unread, b""
        if unread:
            self._parse(unread)
        if self._reading and not self._resting:
            self._socket.resume_reading()

    def _shake_hands(self, request: bytes) -> None:
        answer = upgrade.answer(self._engine, self, request, self._socket)
        if answer is not None:
            self._failed = True
            self._socket.write(answer)
            self._socket.close()

    def _parse(self, data: bytes) -> None:
        """Feed a parser until the data, the wish to read or the client's turn ends."""
        parser = self._parser or self._engine.parsers.borrow()
        rest = memoryview(data)
        began = 0.0
        while rest and self._reading and not (self._resting or parser.failure or self._failed):
            rest = rest[parser.feed(self, rest) :]
            if rest:
                began = began or monotonic()
                if monotonic() - began > TURN_SECONDS and not self._socket.is_closing():
                    self._rest()
        self._parser = None
        if parser.failure:
            self.fail(Closing(parser.failure, resume=parser.failure == INTERNAL_ERROR.code))
        elif self._failed:
            return
        elif parser.is_between_frames and not self._sent_close:
            self._engine.parsers.give_back(parser)
        else:  # also one that has seen a close frame: it takes a second one for an error
            self._parser = parser
        if rest:
            self._unread = bytes(rest) + self._unread

    def frame_came(self, frame: ParsedFrame) -> None:
        """Handle one frame; the parser calls this."""
        opcode = frame.msg_type
        if self._failed or (self._sent_close and opcode != CLOSE):
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.fail(PROTOCOL_ERROR)
        elif opcode == TEXT and frame.fin and self._message is None:
            try:
                text = frame.get_payload_as_utf8_text()
            except UnicodeDecodeError:
                self.fail(INVALID_TEXT)
            else:
                self._take(text)
        elif opcode >= CLOSE:
            self._control(opcode, frame.get_payload_as_bytes())
        else:
            self._gather(opcode, frame)

    def _take(self, packet: str | bytes) -> None:
        if self.sink is not None:
            self.sink.take(packet)

    def _gather(self, opcode: int, frame: ParsedFrame) -> None:
        """A binary frame, or a part of a message."""
        message = self._message
        if bool(opcode) is not (message is None):
            self.fail(PROTOCOL_ERROR)
            return
        if message is None:
            message = self._message = Fragments(opcode)
        if flaw := message.add(frame.get_payload_as_bytes(), self._engine.max_payload):
            self.fail(flaw)
        elif frame.fin:
            self._message = None
            try:
                self._take(message.whole())
            except UnicodeDecodeError:
                self.fail(INVALID_TEXT)

    def _control(self, opcode: int, data: bytes) -> None:
        if opcode == CLOSE:
            self._closed_by_peer(data)
        elif opcode != PONG and not self.congested:
            # A peer that leaves its answers unread gets no more of them.
            self.append(encode(PONG, data))
            self.flush()

    def _closed_by_peer(self, data: bytes) -> None:
        code = int.from_bytes(data[:2], "big") if data else NO_STATUS
        if data and not _may_be_sent(code):
            code = PROTOCOL_ERROR.code
        if not self._sent_close:
            self._sent_close = True
            self.append(close_frame(code) if data else encode(CLOSE, b""))
        self.flush()
        self._engine.ending.put(self)
        self._socket.close()
        if self.sink is not None:
            self.sink.end("transport close")  # nothing may follow the close frame

    def fail(self, closing: Closing) -> None:
        """Fail the connection (section 7.1.7): say why, and read no more of it."""
        self._failed = True
        self._message = None
        if self._sent_close or self.sink is None:
            self.flush()
            self._socket.close()
            return
        self.sink.dismiss(closing)
        self.flush()
        if not self._socket.is_closing() and not self.congested:
            # What the peer still sends is read and dropped, so that the close frame arrives.
            self._socket.write_eof()


def _may_be_sent(code: int) -> bool:
    """Whether a peer may close with this code (section 7.4; RFC 6455 and its registry)."""
    return (1000 <= code <= 1014 and code not in {1004, 1005, 1006}) or 3000 <= code <= 4999
