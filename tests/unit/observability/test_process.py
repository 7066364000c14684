import gc
import platform
from collections.abc import Iterator

import pytest

from whatchat import __version__
from whatchat.observability import process as module
from whatchat.observability.metrics import Metrics
from whatchat.observability.process import Process


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def process(metrics: Metrics) -> Iterator[Process]:
    process = Process(metrics, "pod", lambda: 100)
    process.start()
    yield process
    process.stop()


def told(metrics: Metrics, name: str, **labels: str) -> float:
    metrics.refresh()
    return metrics.registry.get_sample_value(f"whatchat_{name}", labels) or 0.0


@pytest.mark.usefixtures("process")
def test_every_pause_of_the_collector_is_told_by_its_generation(
    metrics: Metrics,
) -> None:
    gc.collect(2)
    gc.collect(2)
    gc.collect(0)
    assert told(metrics, "gc_pause_seconds_count", generation="2") >= 2
    assert told(metrics, "gc_pause_seconds_count", generation="0") >= 1
    assert 0 < told(metrics, "gc_pause_seconds_sum", generation="2") < 60


def test_nothing_of_it_stays_in_the_collector(metrics: Metrics) -> None:
    before = list(gc.callbacks)
    process = Process(metrics, "pod")
    process.start()
    assert len(gc.callbacks) == len(before) + 1
    process.stop()
    assert gc.callbacks == before
    gc.collect(2)
    assert told(metrics, "gc_pause_seconds_count", generation="2") == 0


def test_pauses_that_nobody_asks_about_do_not_pile_up(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PAUSES", 3)
    process = Process(metrics, "pod")
    process.start()
    for _ in range(10):
        gc.collect(2)
    process.stop()
    assert told(metrics, "gc_pause_seconds_count", generation="2") == 3


@pytest.mark.usefixtures("process")
def test_memory_is_shared_out_between_the_sockets(metrics: Metrics) -> None:
    before = told(metrics, "socket_memory_bytes") * 100
    taken = bytes(8_000_000).replace(b"\0", b"x")
    assert len(taken) / 2 < told(metrics, "socket_memory_bytes") * 100 - before < len(taken) * 2


def test_without_sockets_there_is_no_memory_of_theirs(metrics: Metrics) -> None:
    process = Process(metrics, "worker")
    process.start()
    assert told(metrics, "socket_memory_bytes") == 0
    process.stop()


@pytest.mark.usefixtures("process")
def test_it_says_what_runs(metrics: Metrics) -> None:
    python = platform.python_version()
    assert told(metrics, "build_info", version=__version__, python=python, role="pod") == 1
