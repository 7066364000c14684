"""What a run of the durable benchmark does."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec import Struct

from loadtests.bench.plan import ServerName


class Work(StrEnum):
    """Something that pods have to do."""

    CONNECT = "connect"
    ROOMS_2 = "rooms-2"
    ROOMS_10 = "rooms-10"
    HIGHEST_2 = "highest-2"
    HIGHEST_10 = "highest-10"
    RECEIPTS_10 = "receipts-10"
    PODS = "pods"


ROOM_SIZES: Final[Mapping[Work, int]] = {
    Work.CONNECT: 10,
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

ABLE: Final[Mapping[Work, Collection[ServerName]]] = {Work.RECEIPTS_10: (ServerName.OURS,)}
"""Works that not every server can do: the plain stack has no receipts."""


class Plan(Struct, frozen=True, kw_only=True):
    """How much of what; the defaults are what the published tables are made with.

    ``seconds`` is how long each rate is held, and ``pressure`` a factor on all rates. Several
    servers are compared in the works that all of them can do.
    """

    connections: int = 2_000
    rounds: int = 3
    seconds: float = 10.0
    pressure: float = 1.0
    servers: tuple[ServerName, ...] = (ServerName.OURS,)
    works: tuple[Work, ...] = tuple(Work)
    out: Path = Path("bench-results")
    page: Path | None = None

    @property
    def rate(self) -> float:
        """Messages a second."""
        return RATE * self.pressure

    @property
    def compares(self) -> bool:
        """Whether there are several servers."""
        return len(self.servers) > 1

    @property
    def name(self) -> str:
        """What the files of the results are called."""
        return "beside-node" if self.compares else "durable"

    @property
    def common_works(self) -> tuple[Work, ...]:
        """Those of the works that all of the servers can do."""
        return tuple(
            work for work in self.works if set(self.servers) <= set(ABLE.get(work, ServerName))
        )
