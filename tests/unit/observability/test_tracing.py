import asyncio
import os
import re
import subprocess
import sys

import pytest

from whatchat.domain.errors import Forbidden, Unavailable
from whatchat.observability.spans import Span
from whatchat.observability.tracing import (
    OFF,
    Tracing,
    current_span,
    current_trace_id,
    trace,
    trace_id_of,
)

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_trace_has_32_digits_and_ends_with_its_block() -> None:
    with trace() as trace_id:
        assert re.fullmatch("[0-9a-f]{32}", trace_id)
        assert current_trace_id() == trace_id
    assert current_trace_id() is None


def test_a_well_formed_traceparent_is_honoured() -> None:
    with trace(PARENT) as trace_id:
        assert trace_id == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT[:-10],
        PARENT.replace("00-", "ff-", 1),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
    ],
)
def test_any_other_starts_a_new_trace(traceparent: str) -> None:
    with trace(traceparent) as trace_id:
        assert trace_id not in traceparent.lower()


def test_what_is_nested_belongs_to_the_same_trace() -> None:
    with trace() as outer, trace() as inner:
        assert inner == outer


class TestTracing:
    @pytest.fixture
    def spans(self) -> list[Span]:
        return []

    def test_what_is_off_makes_no_spans_and_has_trace_ids_all_the_same(self) -> None:
        with OFF.request(PARENT) as outer, OFF.command("SendMessage") as inner:
            assert inner == outer == "0af7651916cd43dd8448eb211c80319c"
            assert current_span() is None
        assert OFF.following("deliver room", "consumer", PARENT) is None

    def test_a_command_is_part_of_its_request(self, spans: list[Span]) -> None:
        tracing = Tracing(1, spans.append)
        with tracing.request(None) as trace_id, tracing.command("SendMessage") as same:
            assert same == trace_id == current_trace_id()
        command, request = spans
        assert command.parent is not None
        assert command.parent.span_id == request.span_id
        assert (request.parent, request.trace_id, command.trace_id) == (None, trace_id, trace_id)
        assert current_span() is None

    @pytest.mark.parametrize("flags", ["00", "01", "ff"])
    def test_a_stranger_s_flag_counts_for_nothing(self, spans: list[Span], flags: str) -> None:
        for ratio in (0.0, 1.0):
            with Tracing(ratio, spans.append).request(PARENT[:-2] + flags):
                pass
        (span,) = spans
        assert span.trace_id == "0af7651916cd43dd8448eb211c80319c"
        assert span.parent is not None
        assert (span.parent.span_id, span.parent.is_remote) == ("b7ad6b7169203331", True)

    def test_a_stranger_s_id_counts_for_nothing(self, spans: list[Span]) -> None:
        tracing = Tracing(0.5, spans.append)
        for trace_id in ("0" * 31 + "1", "f" * 32):
            spans.clear()
            for _ in range(400):
                with tracing.request(f"00-{trace_id}-b7ad6b7169203331-01"):
                    pass
            assert 100 < len(spans) < 300

    def test_a_part_of_the_commands_is_sampled(self, spans: list[Span]) -> None:
        tracing = Tracing(0.25, spans.append)
        for _ in range(2_000):
            with tracing.command("SendMessage"):
                pass
        assert 350 < len(spans) < 650

    def test_a_request_that_is_not_sampled_has_no_command_that_is(self, spans: list[Span]) -> None:
        with Tracing(0, spans.append).request(None), Tracing(1, spans.append).command("Send"):
            pass
        assert spans == []

    def test_other_pods_are_believed(self, spans: list[Span]) -> None:
        span = Tracing(0, spans.append).following("deliver room", "consumer", PARENT)
        assert span is not None
        span.end()
        span.end()
        assert spans == [span]
        assert trace_id_of(span.traceparent) == "0af7651916cd43dd8448eb211c80319c"

    @pytest.mark.parametrize("traceparent", ["", "nonsense", PARENT[:-10]])
    def test_what_cannot_be_read_is_not_followed(self, spans: list[Span], traceparent: str) -> None:
        tracing = Tracing(1, spans.append)
        assert tracing.following("deliver room", "consumer", traceparent) is None

    @pytest.mark.parametrize(
        ("raised", "error"),
        [
            (Forbidden("no"), ""),
            (Unavailable(), "unavailable"),
            (ValueError("x"), "ValueError"),
            (asyncio.CancelledError(), "CancelledError"),
        ],
    )
    def test_a_failure_is_ours_and_not_a_client_s(
        self, spans: list[Span], raised: BaseException, error: str
    ) -> None:
        with pytest.raises(type(raised)), Tracing(1, spans.append).command("Send"):
            raise raised
        assert (spans[0].error, spans[0].attributes.get("error.type", "")) == (error, error)

    @pytest.mark.parametrize(
        ("method", "route", "name"),
        [
            ("GET", "/api/rooms/{roomId}", "GET /api/rooms/{roomId}"),
            ("BREW", "/api/rooms", "HTTP /api/rooms"),
            ("GET", None, "GET"),
        ],
    )
    def test_a_request_is_named_by_its_route(
        self, spans: list[Span], method: str, route: str | None, name: str
    ) -> None:
        with Tracing(1, spans.append).request(None):
            span = current_span()
            assert span is not None
            span.of_request(method, route, 503)
        assert (spans[0].name, spans[0].error) == (name, "503")


@pytest.mark.parametrize("setting", ["", "http://127.0.0.1:9"])
def test_the_libraries_are_loaded_only_where_there_is_a_collector(setting: str) -> None:
    """In a process of its own, as others here have loaded them.

    And without redis-py, which loads them where they are, and which only the benchmark needs.
    """
    script = """
import asyncio, sys
sys.modules["redis"] = None
from whatchat.__main__ import app
from whatchat.bootstrap import build
from whatchat.settings import load_settings

async def main():
    pod = await build(load_settings())
    await pod.start()
    print(any(name.split(".")[0] in {"opentelemetry", "google"} for name in sys.modules))
    await pod.stop()

asyncio.run(main())
"""
    environment = {
        **os.environ,
        "WHATCHAT_STORE_URL": "sqlite://:memory:",
        "WHATCHAT_JWT_SECRET": "x" * 32,
        "WHATCHAT_OTLP_ENDPOINT": setting,
    }
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == str(bool(setting))
