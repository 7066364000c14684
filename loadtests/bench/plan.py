"""What a run of the benchmark does."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct


class ServerName(StrEnum):
    """A server of the comparison."""

    OURS = "ours"
    STOCK = "stock"
    NODE = "node"


class Work(StrEnum):
    """Something that every server has to do."""

    CONNECT = "connect"
    ROOMS_10 = "rooms-10"
    ROOMS_1000 = "rooms-1000"
    PAIRS = "pairs"
    HIGHEST = "highest"
    HOSTILE = "hostile"


class Traffic(NamedTuple):
    """People to a room, and messages a second to all rooms together."""

    room_size: int
    rate: float


TRAFFIC: Final[Mapping[Work, Traffic]] = {
    Work.ROOMS_10: Traffic(10, 1_000),
    Work.ROOMS_1000: Traffic(1_000, 10),
    Work.PAIRS: Traffic(2, 2_000),
}


class Plan(Struct, frozen=True, kw_only=True):
    """How much of what; the defaults are what the published tables are made with.

    ``seconds`` is how long each rate is held, and ``pressure`` a factor on all rates. With
    ``redis`` every server has one beside it, through its Redis adapter.
    """

    connections: int = 10_000
    rounds: int = 3
    seconds: float = 10.0
    pressure: float = 1.0
    servers: tuple[ServerName, ...] = tuple(ServerName)
    works: tuple[Work, ...] = tuple(Work)
    redis: bool = False
    out: Path = Path("bench-results")

    @property
    def name(self) -> str:
        """What the files of the results are called."""
        return "bench-redis" if self.redis else "bench"
