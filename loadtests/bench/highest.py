"""The search for the highest rate that a server holds."""

import math
from collections.abc import Mapping
from typing import Final

from loadtests.bench.load import Load
from loadtests.bench.plan import Plan
from loadtests.bench.samples import Measure
from loadtests.bench.servers import Server
from loadtests.bench.watch import Watch

HELD_P99_MS: Final = 50.0
FIRST_RATE: Final = 500.0
DOUBLINGS: Final = 6
CLOSER: Final = 4
TRIES: Final = 2

_BEHIND_SECONDS: Final = 1.0
_SHARE_OF_SECONDS: Final = 0.4


class HighestRate:
    """The rate up to which everything is delivered, with p99 below 50 ms.

    Doubled until it is not held, in two tries; then closed in on to 4 %. 0: not even the
    first was held. The shares of the cores are those at the highest rate that was.
    """

    def __init__(self, server: Server, load: Load, plan: Plan) -> None:
        self._server = server
        self._load = load
        self._seconds = plan.seconds * _SHARE_OF_SECONDS
        self._first = FIRST_RATE * plan.pressure
        self._held = 0.0
        self._shares: Mapping[Measure, float] = {}

    def find(self) -> Mapping[Measure, float]:
        """Look for it."""
        failed = self._double()
        if failed is not None:
            self._close_in(failed)
        return {Measure.RATE_HELD: self._held, **self._shares}

    def _double(self) -> float | None:
        """The first rate that was not held, if there was one."""
        for power in range(DOUBLINGS + 1):
            rate = self._first * (1 << power)
            if not self._is_held(rate):
                return rate
        return None

    def _close_in(self, failed: float) -> None:
        for _ in range(CLOSER):
            rate = math.sqrt(max(self._held, failed / 4) * failed)
            if not self._is_held(rate):
                failed = rate

    def _is_held(self, rate: float) -> bool:
        for _ in range(TRIES):
            watch = Watch(self._server)
            heard = self._load.send(rate, self._seconds, patience=_BEHIND_SECONDS)
            shares = watch.shares()
            if heard.complete and heard.percentile_ms(99) < HELD_P99_MS:
                self._held, self._shares = rate, shares
                return True
        return False
