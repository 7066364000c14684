"""What a run of the growth benchmark does."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec import Struct


class Work(StrEnum):
    """A curve: something that is measured while one quantity grows."""

    CONNECTIONS = "connections"
    RATE = "rate"
    PODS = "pods"
    FANOUT = "fanout"
    SYNC = "sync"


CONNECTIONS: Final = (1_000, 2_000, 5_000, 10_000)
RATES: Final = (250, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000)
PODS: Final = (1, 2, 3, 4)
ROOM_SIZES: Final = (2, 10, 100, 1_000, 5_000)
ROOMS: Final = (10, 100, 1_000)
BACKLOGS: Final = (0, 10, 100)

RATE_PEOPLE: Final = 2_000
PODS_PEOPLE: Final = 1_200
PODS_RATE: Final = 400.0
FANOUT_PEOPLE: Final = 1_000
FANOUT_DELIVERIES: Final = 4_000.0
FANOUT_RATE: Final = 400.0
RECEIPTS_RATE: Final = 150.0


class Plan(Struct, frozen=True, kw_only=True):
    """How much of what; the defaults are what the published figures are made with.

    ``seconds`` is how long each rate is held, ``rest`` how long each number of idle connections
    is watched: one interval of heartbeats, so that each has one. ``scale`` is a factor on
    people, rooms and rates. Each part of a curve wants a MongoDB and a Redis of its own;
    ``shared`` gives all of them one, which is quick and fit for trying out alone.
    """

    rounds: int = 2
    seconds: float = 5.0
    rest: float = 25.0
    scale: float = 1.0
    shared: bool = False
    pods: tuple[int, ...] = PODS
    room_sizes: tuple[int, ...] = ROOM_SIZES
    works: tuple[Work, ...] = tuple(Work)
    out: Path = Path("bench-results")

    def sizes(self, usual: Sequence[int], least: int = 1) -> list[int]:
        """These numbers, scaled and none below ``least``; each once."""
        return sorted({max(least, round(one * self.scale)) for one in usual})

    def rate(self, usual: float) -> float:
        """So many a second, scaled, and never less than one in this run's time."""
        return max(usual * self.scale, 1 / self.seconds)
