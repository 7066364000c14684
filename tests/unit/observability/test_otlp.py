import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.servers.otlp_receiver import Answer, OtlpReceiver
from tests.waiting import until
from whatchat.observability import otlp
from whatchat.observability.metrics import Metrics
from whatchat.observability.otlp import MAX_WAITING, Exporter, exporter_to
from whatchat.observability.tracing import Tracing

Lines = list[Any]


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(otlp, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(otlp, "LONGEST_PAUSE", 0.1)


@pytest.fixture
def lines() -> Iterator[Lines]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def nowhere() -> str:
    """Where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


class Traced:
    """Traces that are all sampled, and what becomes of them."""

    def __init__(self, endpoint: str, **headers: str) -> None:
        self.metrics = Metrics()
        self.exporter: Exporter = exporter_to(endpoint, headers, "pod-1", self.metrics.spans)
        self._tracing = Tracing(1, self.exporter.take)

    def make(self, count: int = 1) -> None:
        for _ in range(count):
            with self._tracing.command("SendMessage"):
                pass

    def counted(self, outcome: str) -> float:
        found = self.metrics.registry.get_sample_value("whatchat_spans_total", {"outcome": outcome})
        return found or 0


@asynccontextmanager
async def traced(endpoint: str, **headers: str) -> AsyncIterator[Traced]:
    traced = Traced(endpoint, **headers)
    try:
        yield traced
    finally:
        await traced.exporter.close()


def said(lines: Lines) -> list[str]:
    return [line["event"] for line in lines]


async def test_spans_arrive_with_the_headers_and_are_counted(
    receiver: OtlpReceiver, lines: Lines
) -> None:
    async with traced(receiver.url, **{"api-key": "abc"}) as one:
        one.make(3)
        await until(lambda: len(receiver.spans) == 3)
        await until(lambda: one.counted("exported") == 3)
    (span, *_) = receiver.spans
    assert (span.name, span.kind, span.pod) == ("SendMessage", "server", "pod-1")
    assert receiver.headers[0]["api-key"] == "abc"
    assert lines == []


async def test_the_environment_has_no_say(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, nowhere: str
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "stolen=1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=other")
    async with traced(receiver.url) as one:
        one.make()
        await until(lambda: len(receiver.spans) == 1)
    assert receiver.spans[0].pod == "pod-1"
    assert "stolen" not in receiver.headers[0]


async def test_a_path_is_kept_and_a_whole_one_is_not_added_to(receiver: OtlpReceiver) -> None:
    async with traced(f"{receiver.url}/v1/traces") as one:
        one.make()
        await until(lambda: len(receiver.spans) == 1)


async def test_what_waits_is_sent_at_the_end(receiver: OtlpReceiver) -> None:
    async with traced(receiver.url) as one:
        one.make(700)
    assert len(receiver.spans) == one.counted("exported") == 700


async def test_where_nothing_listens_one_line_says_so_and_one_that_it_works_again(
    receiver: OtlpReceiver, lines: Lines
) -> None:
    receiver.stop()
    async with traced(receiver.url) as one:
        one.make(5)
        await until(lambda: len(lines) == 1)
        await asyncio.sleep(0.3)
        assert said(lines) == ["traces cannot be exported"]
        receiver.start()
        await until(lambda: len(receiver.spans) == 5)
        await until(lambda: len(lines) == 2)
    assert said(lines) == ["traces cannot be exported", "traces are exported again"]
    assert lines[0]["reason"] == "ConnectionRefusedError"
    assert one.counted("dropped") == 0


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_collector_that_asks_for_patience_is_asked_again(
    receiver: OtlpReceiver, lines: Lines, status: int
) -> None:
    answers = iter([Answer(status, retry_after="1"), Answer(status), Answer(200)])
    receiver.answer = lambda: next(answers)
    async with traced(receiver.url) as one:
        one.make(2)
        await until(lambda: one.counted("exported") == 2)
    assert len(receiver.bodies) == 3
    assert lines[0]["reason"] == f"status {status}"
    assert said(lines) == ["traces cannot be exported", "traces are exported again"]


async def test_a_collector_is_not_asked_again_before_it_said(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "LONGEST_PAUSE", 30.0)
    receiver.answer = lambda: Answer(429, retry_after="20")
    async with traced(receiver.url) as one:
        one.make()
        await until(lambda: len(receiver.bodies) == 1)
        await asyncio.sleep(0.2)
        assert len(receiver.bodies) == 1
        begun = monotonic()
    assert monotonic() - begun < 1
    assert one.counted("dropped") == 1


@pytest.mark.parametrize("status", [301, 400, 413, 500])
async def test_what_a_collector_refuses_is_dropped_and_said_once(
    receiver: OtlpReceiver, lines: Lines, status: int
) -> None:
    receiver.answer = lambda: Answer(status)
    async with traced(receiver.url) as one:
        one.make(600)
        await until(lambda: one.counted("dropped") == 600)
        assert len(receiver.bodies) >= 3
    assert said(lines) == ["traces cannot be exported"]


async def test_a_collector_that_hangs_delays_neither_who_hands_over_nor_the_end(
    receiver: OtlpReceiver, lines: Lines
) -> None:
    receiver.answer = lambda: Answer(200, seconds=60)
    async with traced(receiver.url) as one:
        one.make()
        await until(lambda: len(receiver.bodies) == 1)
        begun = monotonic()
        one.make(MAX_WAITING + 500)
        assert monotonic() - begun < 1
        assert one.counted("dropped") == 500
        begun = monotonic()
    assert monotonic() - begun < otlp.CLOSE_SECONDS + 0.5
    await until(lambda: one.counted("dropped") == MAX_WAITING + 501)
    assert said(lines) == ["traces cannot be exported"]


async def test_a_collector_that_hangs_is_given_up_after_a_while(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setattr(otlp, "DEADLINE_SECONDS", 0.2)
    answers = iter([Answer(200, seconds=1), Answer(200)])
    receiver.answer = lambda: next(answers)
    async with traced(receiver.url) as one:
        one.make()
        await until(lambda: one.counted("exported") == 1)
    assert said(lines) == ["traces cannot be exported", "traces are exported again"]


async def test_an_answer_that_trickles_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setattr(otlp, "DEADLINE_SECONDS", 0.2)

    cut_off = asyncio.Event()

    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"H")
            await asyncio.sleep(0.05)
        cut_off.set()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, traced(url) as one:
        one.make()
        await until(lambda: len(lines) == 1, seconds=2)
    await asyncio.wait_for(cut_off.wait(), 2)
    assert said(lines) == ["traces cannot be exported"]


async def test_a_backlog_has_a_bound_in_memory(nowhere: str) -> None:
    async with traced(nowhere) as one:
        one.make(MAX_WAITING * 3)
        gc.collect()
        spans = sum(type(thing).__name__ == "Span" for thing in gc.get_objects())
        assert spans <= MAX_WAITING + otlp.MAX_BATCH
        assert one.counted("dropped") >= MAX_WAITING * 2 - otlp.MAX_BATCH


async def test_no_thread_is_there_before_a_span_or_after_the_end(receiver: OtlpReceiver) -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "otlp"]

    async with traced(receiver.url) as one:
        assert threads() == []
        one.make()
        assert threads() == ["otlp"]
    assert threads() == []


async def test_after_the_end_spans_are_dropped(receiver: OtlpReceiver) -> None:
    async with traced(receiver.url) as one:
        pass
    one.make()
    assert one.counted("dropped") == 1
    assert receiver.spans == []
