import gc
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from whatchat import __version__
from whatchat.observability.metrics import Metrics
from whatchat.observability.process import Process

NAME = "chat-1-Ab3x"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def process(metrics: Metrics) -> Iterator[Process]:
    process = Process(metrics, "pod", NAME, lambda: 100)
    process.start()
    yield process
    process.stop()


def told(metrics: Metrics, metric: str, **labels: str) -> float:
    metrics.refresh()
    return metrics.registry.get_sample_value(f"whatchat_{metric}", labels) or 0.0


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
    process = Process(metrics, "pod", NAME)
    process.start()
    assert len(gc.callbacks) == len(before) + 1
    process.stop()
    assert gc.callbacks == before
    gc.collect(2)
    assert told(metrics, "gc_pause_seconds_count", generation="2") == 0


@pytest.mark.usefixtures("process")
def test_every_pod_of_a_process_is_told_of_a_pause(metrics: Metrics) -> None:
    others = Metrics()
    other = Process(others, "pod", NAME)
    other.start()
    gc.collect(2)
    other.stop()
    both = told(others, "gc_pause_seconds_count", generation="2")
    gc.collect(2)
    assert told(others, "gc_pause_seconds_count", generation="2") == both >= 1
    assert told(metrics, "gc_pause_seconds_count", generation="2") > both


MEASURED = """
from whatchat.observability.metrics import Metrics
from whatchat.observability.process import Process

metrics = Metrics()
process = Process(metrics, "pod", "a name", lambda: 100)
process.start()
taken = bytes(8_000_000).replace(b"\\0", b"x")
metrics.refresh()
print(metrics.registry.get_sample_value("whatchat_socket_memory_bytes") * 100 / len(taken))
"""


def test_memory_is_shared_out_between_the_sockets() -> None:
    # In a process of its own: what others have freed may be taken without growing.
    told = subprocess.run(
        [sys.executable, "-c", MEASURED], check=True, capture_output=True, text=True
    )
    assert 0.9 < float(told.stdout) < 1.5


def test_without_sockets_there_is_no_memory_of_theirs(metrics: Metrics) -> None:
    process = Process(metrics, "worker", NAME)
    process.start()
    assert told(metrics, "socket_memory_bytes") == 0
    process.stop()


@pytest.mark.usefixtures("process")
def test_it_says_what_runs_and_by_which_name_it_is_found_elsewhere(metrics: Metrics) -> None:
    labels = {"version": __version__, "python": platform.python_version(), "role": "pod"}
    assert told(metrics, "build_info", **labels, name=NAME) == 1
