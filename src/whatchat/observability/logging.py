"""Logs: JSON lines, or text for people where the output is a terminal.

No line holds a token, a password or the body of a message: callers do not pass them, and
:func:`redact` drops them by name if one does. Session ids appear as :func:`hashed`.
"""

import hashlib
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from whatchat.observability.tracing import current_span, current_trace_id

SECRET_KEYS = frozenset(
    {
        "accesstoken",
        "admintoken",
        "auth",
        "authorization",
        "body",
        "content",
        "cookie",
        "currentpassword",
        "envelope",
        "jwtsecret",
        "lastmessage",
        "message",
        "newpassword",
        "nonce",
        "password",
        "passwordhash",
        "payload",
        "query",
        "querystring",
        "refreshtoken",
        "secret",
        "sessionid",
        "sid",
        "token",
    }
)
"""Names under which nothing is logged, lower case and without underscores."""

_QUIET = {
    # These libraries quote addresses with their queries, session ids and packets.
    "uvicorn": logging.WARNING,
    "uvicorn.access": logging.CRITICAL,
    "engineio": logging.CRITICAL,
    "socketio": logging.CRITICAL,
    "asyncio": logging.WARNING,
    # What becomes of spans is counted, and logged once by whoever sends them.
    "opentelemetry": logging.CRITICAL + 1,
}

_EXPECTED = (
    # What a client can bring about by itself, and is answered, is no error of the server.
    "ASGI callable returned without completing handshake.",
    "Invalid UTF-8 sequence received from client.",
)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def configure_logging(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the logs of this process, libraries' included, to ``stream`` (standard error)."""
    stream = stream or sys.stderr
    for_people = stream.isatty()
    shared = _processors()
    structlog.configure(
        processors=[*shared, *_renderers(for_people=for_people)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    _route_libraries(stream, shared, _renderers(for_people=for_people), level)


def hashed(session_id: str) -> str:
    """What stands for a session id in the log: 12 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(session_id.encode(errors="replace")).hexdigest()[:12]


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Drop what must never be logged; the last line of defence."""
    return {
        key: _redacted(value)
        for key, value in event.items()
        if key == "event" or not _is_secret(key)
    }


def escape(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep each value on its own line, whatever it contains."""
    return {key: _one_line(key, value) for key, value in event.items()}


def _add_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    trace_id = current_trace_id()
    if trace_id is not None:
        event.setdefault("trace_id", trace_id)
        if span := current_span():
            event.setdefault("span_id", span.span_id)
    return event


def _processors() -> list[Processor]:
    return [
        _add_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]


def _renderers(*, for_people: bool) -> list[Processor]:
    if for_people:
        plain = structlog.dev.plain_traceback
        return [escape, structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        escape,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]


def _route_libraries(
    stream: TextIO, shared: list[Processor], renderers: list[Processor], level: int
) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.ExtraAdder(),
                structlog.stdlib.add_logger_name,
                *shared,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    handler.addFilter(lambda record: record.msg not in _EXPECTED)
    for name, least in _QUIET.items():
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(level, least))


def _redacted(value: object) -> object:
    if isinstance(value, MutableMapping):
        return {key: _redacted(item) for key, item in value.items() if not _is_secret(key)}
    return value


def _is_secret(key: object) -> bool:
    return str(key).replace("_", "").replace("-", "").lower() in SECRET_KEYS


def _one_line(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if key == "exception":
        return value.encode(errors="backslashreplace").decode()
    return _CONTROL.sub(_escaped, value)


def _escaped(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def _to_json(event: EventDict, **_options: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
