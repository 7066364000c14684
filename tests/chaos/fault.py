"""What a fault is: one thing that breaks, and is mended."""

from typing import NamedTuple, Protocol

from tests.chaos.crowd import Crowd
from tests.servers.cluster import Cluster


class Needs(NamedTuple):
    """What a fault asks of the cluster that it strikes, and of the people on it."""

    clients: int = 300
    """How many people there are in the crowd."""

    sentinels: bool = False
    """Redis stands behind Sentinels."""

    clock_hours: int = 0
    """So far off is the first pod's clock; negative: back."""

    dying_pod: bool = False
    """The first pod dies between the write and the publish of a message that says so."""


class Fault(Protocol):
    """One row of the table."""

    @property
    def name(self) -> str:
        """As the table has it."""
        ...

    @property
    def needs(self) -> Needs:
        """On what it can strike."""
        ...

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        """Break one thing and mend it; all is whole again on return."""
        ...
