"""How much is computed meanwhile, and by whom."""

import os
import time
from collections.abc import Mapping

from loadtests.bench.durable.samples import Measure
from loadtests.bench.process import cpu_seconds, machine_seconds


class Watch:
    """The processor time of some processes, the load and everything else since it was made."""

    def __init__(self, pids: Mapping[Measure, int]) -> None:
        self._pids = {**pids, Measure.LOAD_SHARE: os.getpid()}
        self._began = time.monotonic()
        self._machine = machine_seconds()
        self._before = self._now()

    def seconds(self, whose: Measure) -> float:
        """What one of them has used."""
        return cpu_seconds(self._pids[whose]) - self._before[whose]

    def shares(self) -> Mapping[Measure, float]:
        """How much of one core each has used, and all others together of any."""
        per_cent = 100 / (time.monotonic() - self._began)
        used = {whose: self.seconds(whose) for whose in self._pids}
        others = machine_seconds() - self._machine - sum(used.values())
        used[Measure.OTHERS_SHARE] = max(0.0, others)
        return {whose: seconds * per_cent for whose, seconds in used.items()}

    def _now(self) -> Mapping[Measure, float]:
        return {whose: cpu_seconds(pid) for whose, pid in self._pids.items()}
