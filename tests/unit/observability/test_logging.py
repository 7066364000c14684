import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from whatchat.observability.logging import configure_logging, hashed
from whatchat.observability.spans import Span
from whatchat.observability.tracing import Tracing, trace


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    configure_logging(stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_event_level_time_and_trace(stream: io.StringIO) -> None:
    with trace() as trace_id:
        structlog.get_logger().info("command", outcome="ok", duration_ms=1.5)
    [line] = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "command",
        "level": "info",
        "outcome": "ok",
        "duration_ms": 1.5,
        "trace_id": trace_id,
    }


def test_a_line_of_a_sampled_command_names_its_span(stream: io.StringIO) -> None:
    spans: list[Span] = []
    with Tracing(1, spans.append).command("SendMessage"):
        structlog.get_logger().info("command")
        logging.getLogger("library").warning("x")
    (span,) = spans
    found = [(line["trace_id"], line["span_id"]) for line in lines(stream)]
    assert found == [(span.trace_id, span.span_id)] * 2


def test_what_the_tracing_libraries_say_is_said_by_whoever_uses_them(stream: io.StringIO) -> None:
    logging.getLogger("opentelemetry.exporter").critical("x")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "key",
    ["token", "password", "content", "authorization", "refresh_token", "accessToken", "sid"],
)
def test_secrets_are_dropped_by_name_at_any_depth(stream: io.StringIO, key: str) -> None:
    structlog.get_logger().info("x", **{key: "hush"}, more={"deep": {key: "hush"}, "kept": 1})
    logging.getLogger("library").warning("x", extra={"more": {key: "hush", "kept": 1}})
    assert "hush" not in stream.getvalue()
    assert all(line["more"]["kept"] == 1 for line in lines(stream))


@pytest.mark.parametrize("made", [io.StringIO, Terminal])
def test_no_value_can_forge_a_line(made: type[io.StringIO]) -> None:
    stream = made()
    configure_logging(stream)
    forged = 'x\n{"event": "forged"}\r\x1b[2J\u2028\ud800'
    structlog.get_logger().info("request", path=forged)
    logging.getLogger("library").warning("said %s", forged)
    written = stream.getvalue()
    assert len(written.splitlines()) == 2
    assert "\x1b[2J" not in written
    written.encode()


def test_an_exception_is_one_line_with_its_traceback(stream: io.StringIO) -> None:
    empty: dict[str, str] = {}
    try:
        empty["gone"]
    except KeyError:
        structlog.get_logger().exception("command failed")
    [line] = lines(stream)
    assert line["exception"].startswith("Traceback")
    assert "KeyError: 'gone'" in line["exception"]


def test_libraries_speak_the_same_language(stream: io.StringIO) -> None:
    logging.getLogger("whatchat.roomlog").warning("late", extra={"seconds": 5})
    [line] = lines(stream)
    assert (line["event"], line["level"], line["seconds"]) == ("late", "warning", 5)
    assert line["logger"] == "whatchat.roomlog"


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn.access", "engineio.server", "socketio"])
def test_libraries_that_quote_addresses_and_packets_are_quiet(
    stream: io.StringIO, name: str
) -> None:
    logging.getLogger(name).info('"WebSocket /socket.io/?sid=secret" [accepted]')
    assert stream.getvalue() == ""


def test_a_terminal_gets_text_for_people() -> None:
    stream = Terminal()
    configure_logging(stream)
    structlog.get_logger().info("serving", url="http://localhost:8000")
    assert not stream.getvalue().startswith("{")
    assert "http://localhost:8000" in stream.getvalue()


def test_a_session_id_is_logged_as_a_short_digest() -> None:
    assert hashed("abc") == hashed("abc")
    assert hashed("abc") != hashed("abd")
    assert len(hashed("abc")) == 12
