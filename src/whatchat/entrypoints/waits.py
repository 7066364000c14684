"""Who was told to wait, so that nobody has to be asked again meanwhile."""

from collections.abc import Callable, Hashable
from math import ceil
from time import monotonic
from typing import Final, NamedTuple

MOST_SECONDS: Final = 1.0
"""Longer waits are asked for anew in between: they may have been shortened."""

MAX_WAITS: Final = 10_000


class _Wait(NamedTuple):
    until: float
    units: int


class Waits:
    """Remembers refusals for as long as what was refused cannot fit.

    Whoever floods so costs a look into a dictionary. ``clock`` is monotonic, in seconds; above
    ``MAX_WAITS`` the oldest are forgotten.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waits: dict[Hashable, _Wait] = {}

    def left(self, whose: Hashable, units: int) -> int:
        """Milliseconds that ``units`` have to wait in any case."""
        wait = self._waits.get(whose) if self._waits else None
        if wait is None:
            return 0
        seconds = wait.until - self._clock()
        if seconds <= 0:
            del self._waits[whose]
            return 0
        return ceil(seconds * 1000 - 0.001) if units >= wait.units else 0

    def begin(self, whose: Hashable, units: int, milliseconds: int) -> None:
        """Note what somebody was told."""
        self._waits.pop(whose, None)
        if len(self._waits) >= MAX_WAITS:
            del self._waits[next(iter(self._waits))]
        seconds = min(milliseconds / 1000, MOST_SECONDS)
        self._waits[whose] = _Wait(self._clock() + seconds, units)
