"""How far a run has come, as Locust's master sees it."""

import time
from collections.abc import Callable, Iterable
from typing import Final, Literal

from locust.env import Environment
from msgspec import Struct

PhaseName = Literal["ramp", "warm", "hold", "settle", "over"]
"""People come; they begin to talk; they talk; nobody does, and all that was said arrives; the last
workers report."""

REPORT_SECONDS: Final = 4.0
"""So long it may take until what workers counted last has come to the master."""


class Phase(Struct, frozen=True):
    """A part of a run, or what was done to the servers in it; in epoch seconds."""

    name: str
    start: float
    end: float


def hold_of(phases: Iterable[Phase]) -> Phase | None:
    """The one in which people talk as much as they do, if it came to that."""
    return next((phase for phase in phases if phase.name == "hold"), None)


class Course:
    """Ramp, warm, hold and settle, of which the first lasts until all users are there.

    ``begun`` and ``all_there`` are epoch seconds, and 0 before.
    """

    def __init__(
        self,
        warm_seconds: float,
        hold_seconds: float,
        settle_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.begun = self.all_there = 0.0
        self._warm_seconds = warm_seconds
        self._hold_seconds = hold_seconds
        self._settle_seconds = settle_seconds
        self._clock = clock

    def follow(self, environment: Environment) -> None:
        """Hear from Locust when it begins, and when everybody is there."""
        environment.events.test_start.add_listener(lambda **_: self.begin())
        environment.events.spawning_complete.add_listener(lambda **_: self.complete())

    def begin(self) -> None:
        """The first user is to come now."""
        self.begun, self.all_there = self._clock(), 0.0

    def complete(self) -> None:
        """The last user has come; later ones replace workers that were lost."""
        if self.begun:
            self.all_there = self.all_there or self._clock()

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return self._clock() - self.begun if self.begun else 0.0

    @property
    def phase(self) -> PhaseName:
        """Where it is now."""
        if not self.all_there:
            return "ramp"
        if self._clock() < self._warmed:
            return "warm"
        if self._clock() < self._silence:
            return "hold"
        return "settle" if self._clock() < self._silence + self._settle_seconds else "over"

    @property
    def is_reported(self) -> bool:
        """Whether it is over, and has been for as long as reports take."""
        end = self._silence + self._settle_seconds
        return bool(self.all_there) and self._clock() >= end + REPORT_SECONDS

    @property
    def held_seconds(self) -> float:
        """For how long people have talked as much as they do."""
        return max(0.0, min(self._clock(), self._silence) - self._warmed if self.all_there else 0)

    def phases(self) -> list[Phase]:
        """Those that there were, up to now."""
        now, bounds = self._clock(), self._bounds()
        found = zip(("ramp", "warm", "hold", "settle"), bounds, bounds[1:], strict=False)
        return [
            Phase(name, start, min(end, now)) for name, start, end in found if start < min(end, now)
        ]

    @property
    def _warmed(self) -> float:
        return self.all_there + self._warm_seconds

    @property
    def _silence(self) -> float:
        return self._warmed + self._hold_seconds

    def _bounds(self) -> list[float]:
        if not self.begun:
            return []
        if not self.all_there:
            return [self.begun, self._clock()]
        silence = self._silence
        return [self.begun, self.all_there, self._warmed, silence, silence + self._settle_seconds]
