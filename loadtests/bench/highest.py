"""The search for the highest rate that a server holds."""

import math
from collections.abc import Callable, Mapping
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


def highest_held(first: float, is_held: Callable[[float], bool]) -> float:
    """The highest rate that is held: doubled until one is not, then closed in on to 4 %.

    0: not even ``first`` was held, nor less.
    """
    held, failed = _double(first, is_held)
    if failed is None:
        return held
    for _ in range(CLOSER):
        rate = math.sqrt(max(held, failed / 4) * failed)
        if is_held(rate):
            held = rate
        else:
            failed = rate
    return held


def _double(first: float, is_held: Callable[[float], bool]) -> tuple[float, float | None]:
    """The last rate that was held, or 0, and the first that was not, if there was one."""
    held = 0.0
    for power in range(DOUBLINGS + 1):
        rate = first * (1 << power)
        if not is_held(rate):
            return held, rate
        held = rate
    return held, None


class HighestRate:
    """The rate up to which everything is delivered, with p99 below 50 ms.

    A rate is not held if it was not in two tries. The shares of the cores are those at the
    highest rate that was.
    """

    def __init__(self, server: Server, load: Load, plan: Plan) -> None:
        self._server = server
        self._load = load
        self._seconds = plan.seconds * _SHARE_OF_SECONDS
        self._first = FIRST_RATE * plan.pressure
        self._shares: Mapping[Measure, float] = {}

    def find(self) -> Mapping[Measure, float]:
        """Look for it."""
        held = highest_held(self._first, self._is_held)
        return {Measure.RATE_HELD: held, **self._shares}

    def _is_held(self, rate: float) -> bool:
        for _ in range(TRIES):
            watch = Watch(self._server)
            heard = self._load.send(rate, self._seconds, patience=_BEHIND_SECONDS)
            shares = watch.shares()
            if heard.complete and heard.percentile_ms(99) < HELD_P99_MS:
                self._shares = shares
                return True
        return False
