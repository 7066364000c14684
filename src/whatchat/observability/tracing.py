"""Which request or command a line of the log belongs to."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-")

_current: ContextVar[str | None] = ContextVar("trace_id", default=None)


def current_trace_id() -> str | None:
    """The trace under way, 32 hexadecimal digits."""
    return _current.get()


@contextmanager
def trace(traceparent: str | None = None) -> Iterator[str]:
    """Put what happens inside under one trace.

    The trace is that of a well-formed W3C ``traceparent``, else the one already under
    way, else a new one.
    """
    trace_id = _parse(traceparent) or _current.get() or secrets.token_hex(16)
    token = _current.set(trace_id)
    try:
        yield trace_id
    finally:
        _current.reset(token)


def _parse(traceparent: str | None) -> str | None:
    found = _TRACEPARENT.match(traceparent) if traceparent and len(traceparent) >= 55 else None
    return found[1] if found else None
