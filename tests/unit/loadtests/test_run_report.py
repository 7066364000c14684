"""What a run on this machine says at its end."""

import os
import time
from pathlib import Path

import pytest

from loadtests.stage import processors
from loadtests.stage.processors import Processors
from loadtests.stage.programs import crashes
from loadtests.stage.report import report
from loadtests.swarm.run.course import Phase
from loadtests.swarm.run.summary import read
from tests.unit.loadtests.left_by_a_run import leave

POD = {
    "pod": "pod-1",
    "socketsMax": 4_500,
    "residentBytesAtStart": 100_000_000,
    "residentBytesAtMost": 150_000_000,
    "bytesPerSocket": 11_100,
    "cpuPercent": 41.5,
    "heldBytes": 3_000_000,
}
WARMING = {"count": 9, "meanMs": 12.34, "p99Ms": 81}


def test_memory_processor_time_and_the_cold_beginning_are_told(tmp_path: Path) -> None:
    found = read(leave(tmp_path, pods=[POD], cores={"pods": 0.8, "load": 0.25}, warming=WARMING))
    said = report(found).splitlines()
    assert said[0].endswith("mean 12.3 ms, p99 81 ms")
    assert said[1].startswith("pod-1: 4,500 sockets (11.1 KB each), memory 100 to 150 MB")
    assert said[1].endswith("in the hold 41.5 % of a core, +3 MB")
    assert said[2] == "of a core, in the hold: pods 80%, load 25%"
    assert said[-1] == "all gates hold"


def test_what_a_part_computes_in_a_phase_is_an_average(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "EVERY_SECONDS", 0.01)
    start = time.time()
    with Processors(lambda: {"this": [os.getpid()]}) as used:
        while used.seconds().get("this", 0) < 0.05:
            sum(range(10_000))
    whole = Phase("hold", start, time.time())
    assert 0 < used.cores(whole)["this"] < 2
    assert used.cores(Phase("hold", start - 2, start - 1)) == {}


def test_of_many_tracebacks_the_first_are_told(tmp_path: Path) -> None:
    class Program:
        log = tmp_path / "node.log"

        def tracebacks(self) -> list[str]:
            return ["Traceback: " + "x" * 10_000] * 500

    *first, rest = crashes([Program()])
    assert [len(text) < 2_200 for text in first] == [True] * 3
    assert rest.endswith("and 497 more tracebacks")
