"""Which request or command something belongs to: for lines of the log, and for spans.

Everything has a trace id. Of the traces that are sampled there are spans as well, which every
pod adds to; the OpenTelemetry libraries are needed only where these leave the process.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Final

from whatchat.domain.errors import ChatError, Unavailable
from whatchat.observability.spans import SYSTEMS, Context, Kind, Span, Systems

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-")
_LENGTH: Final = 55

_DICE_DIGITS: Final = 8
_DICE_BITS: Final = 4 * _DICE_DIGITS

_current: ContextVar[str | None] = ContextVar("trace_id", default=None)
_span: ContextVar[Span | None] = ContextVar("span", default=None)
_UNTRACED: Final = nullcontext()


def current_trace_id() -> str | None:
    """The trace under way, 32 hexadecimal digits."""
    return _current.get()


def current_span() -> Span | None:
    """The span under way, if the trace is sampled."""
    return _span.get()


def trace_id_of(traceparent: str) -> str:
    """The trace id in a ``traceparent`` of ours; empty for an empty one."""
    return traceparent[3:35]


def exemplar_of(traceparent: str) -> dict[str, str] | None:
    """What a sampled trace is told by beside an observation of a metric; ``None`` for no trace."""
    return {"trace_id": traceparent[3:35]} if traceparent else None


def trace(traceparent: str | None = None) -> AbstractContextManager[str]:
    """Put what happens inside under one trace.

    The trace is that of a well-formed W3C ``traceparent``, else the one already under
    way, else a new one.
    """
    parent = _parse(traceparent)
    return _under(parent.trace_id if parent else _current.get() or _new_id())


@contextmanager
def _under(trace_id: str) -> Iterator[str]:
    token = _current.set(trace_id)
    try:
        yield trace_id
    finally:
        _current.reset(token)


@contextmanager
def within(span: Span | None) -> Iterator[None]:
    """Put what happens inside under a span, which goes on afterwards, or under no trace."""
    trace_id = None if span is None else span.trace_id
    tokens = _current.set(trace_id), _span.set(span)
    try:
        yield
    finally:
        _span.reset(tokens[1])
        _current.reset(tokens[0])


def inserting(appends: Sequence[Span | None]) -> AbstractContextManager[None]:
    """What happens inside is the store's part of these, as far as they have spans."""
    return _inserting(appends) if any(appends) else _UNTRACED


@contextmanager
def _inserting(appends: Sequence[Span | None]) -> Iterator[None]:
    spans = [span.inserting(len(appends)) for span in appends if span is not None]
    error = "cancelled"
    try:
        yield
        error = ""
    except Exception as raised:
        error = type(raised).__name__
        raise
    finally:
        for span in spans:
            span.end(error=error)


class Tracing:
    """Says which commands are sampled, and begins their spans; by default none.

    Who sends a ``traceparent`` chooses the trace's id, and what the spans are below. Whether
    there are any is decided here, by ``ratio``: whatever flag strangers send, and whichever id,
    they can neither have everything sampled nor hide. Pods believe each other.
    """

    def __init__(
        self,
        ratio: float = 0.0,
        take: Callable[[Span], None] | None = None,
        systems: Systems = SYSTEMS,
    ) -> None:
        self._sampled: int = round(ratio * 2**_DICE_BITS)
        self._take = take
        self._systems = systems

    def request(self, traceparent: str | None) -> AbstractContextManager[str]:
        """Put what happens inside under a trace of its own, with a span if it is sampled."""
        if self._take is None or not self._is_chosen(dice := _new_id()):
            return trace(traceparent)
        parent = _parse(traceparent)
        trace_id = parent.trace_id if parent else dice
        return _lasting(Span("HTTP", "server", trace_id, parent, self._systems, self._take))

    def command(self, name: str) -> AbstractContextManager[str]:
        """The same for a command, which is part of its request if it has one."""
        if self._take is None or _current.get() is not None:
            span = _span.get()
            return trace() if span is None else _lasting(span.child(name, "internal"))
        trace_id = _new_id()
        if not self._is_chosen(trace_id):
            return _under(trace_id)
        return _lasting(Span(name, "server", trace_id, None, self._systems, self._take))

    def following(self, name: str, kind: Kind, traceparent: str) -> Span | None:
        """A span below one of another pod, begun now; ``None`` where there are none."""
        if self._take is None:
            return None
        parent = _parse(traceparent)
        if parent is None:
            return None
        return Span(name, kind, parent.trace_id, parent, self._systems, self._take)

    def _is_chosen(self, dice: str) -> bool:
        return int(dice[:_DICE_DIGITS], 16) < self._sampled


OFF: Final = Tracing()


@contextmanager
def _lasting(span: Span) -> Iterator[str]:
    """Put what happens inside under a span, which ends with it.

    What clients are refused is no error of ours.
    """
    error = ""
    try:
        with within(span):
            yield span.trace_id
    except ChatError as refusal:
        error = refusal.code if refusal.code == Unavailable.code else ""
        raise
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        span.end(error=error)


def _new_id() -> str:
    return secrets.token_hex(16)


def _parse(traceparent: str | None) -> Context | None:
    found = _TRACEPARENT.match(traceparent) if traceparent and len(traceparent) >= _LENGTH else None
    return Context(found[1], found[2]) if found else None
