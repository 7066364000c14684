"""What a run of the durable benchmark does."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec import Struct


class Work(StrEnum):
    """Something that pods have to do."""

    ROOMS_2 = "rooms-2"
    ROOMS_10 = "rooms-10"
    HIGHEST_2 = "highest-2"
    HIGHEST_10 = "highest-10"
    RECEIPTS_10 = "receipts-10"
    PODS = "pods"


ROOM_SIZES: Final[Mapping[Work, int]] = {
    Work.ROOMS_2: 2,
    Work.ROOMS_10: 10,
    Work.HIGHEST_2: 2,
    Work.HIGHEST_10: 10,
    Work.RECEIPTS_10: 10,
    Work.PODS: 2,
}
"""People to a room."""

RATE: Final = 1_000.0
"""Messages a second, to all rooms together, where no highest rate is looked for."""


class Plan(Struct, frozen=True, kw_only=True):
    """How much of what; the defaults are what the published tables are made with.

    ``seconds`` is how long each rate is held, and ``pressure`` a factor on all rates.
    """

    connections: int = 2_000
    rounds: int = 3
    seconds: float = 10.0
    pressure: float = 1.0
    works: tuple[Work, ...] = tuple(Work)
    out: Path = Path("bench-results")

    @property
    def rate(self) -> float:
        """Messages a second."""
        return RATE * self.pressure
