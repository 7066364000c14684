"""How much each part of a cluster computes on this machine, the load included."""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, Self

from loadtests.bench.process import cpu_seconds
from loadtests.swarm.run.course import Phase

EVERY_SECONDS: Final = 1.0

Parts = Callable[[], Mapping[str, Collection[int]]]
"""The processes that each part has now."""


class Processors:
    """Looks every second, so that of a process that has ended no more than that is missing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._begun: dict[tuple[str, int], float] = {}
        self._last: dict[tuple[str, int], float] = {}
        self._seen: list[tuple[float, Mapping[str, float]]] = []
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="processors", daemon=True)

    def __enter__(self) -> Self:
        self._look(first=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._told.set()
        self._thread.join()

    def seconds(self) -> dict[str, float]:
        """What each part has used since the first look; a process that came later, since then."""
        sums: dict[str, float] = {}
        for (part, pid), last in self._last.items():
            used = last - self._begun.get((part, pid), 0.0)
            sums[part] = round(sums.get(part, 0.0) + used, 2)
        return sums

    def cores(self, phase: Phase) -> dict[str, float]:
        """How many of them each part used on average in a phase; nothing if it was too short."""
        seen = [(at, used) for at, used in self._seen if phase.start <= at <= phase.end]
        if len(seen) < 2:
            return {}
        (start, before), (end, after) = seen[0], seen[-1]
        return {part: round((after[part] - before[part]) / (end - start), 3) for part in before}

    def _watch(self) -> None:
        while not self._told.wait(EVERY_SECONDS):
            self._look()

    def _look(self, *, first: bool = False) -> None:
        for part, pids in self._parts().items():
            for pid in pids:
                with contextlib.suppress(OSError):  # it may have ended
                    self._last[part, pid] = cpu_seconds(pid)
        if first:
            self._begun = dict(self._last)
        self._seen.append((time.time(), self.seconds()))
