"""What a run needs of a cluster, wherever that is."""

from collections.abc import Collection, Mapping
from typing import Final, Protocol

EARLY: Final = 0.1
MIDDLE: Final = 0.5
"""When a stage is disturbed, as a part of the time that people talk: early if it takes long."""


class Stage(Protocol):
    """A cluster that is up; all methods block."""

    @property
    def url(self) -> str:
        """Where people come to."""
        ...

    @property
    def store_url(self) -> str:
        """Where accounts can be put; empty if that is not known here."""
        ...

    @property
    def secret(self) -> str:
        """What tokens are signed with."""
        ...

    @property
    def moment(self) -> float:
        """When it is disturbed, as a part of the time that people talk."""
        ...

    def pods(self) -> Mapping[str, str]:
        """The pods that there are now by their names, and where their metrics are."""
        ...

    def processes(self) -> Mapping[str, Collection[int]]:
        """Those of each part of it that runs on this machine."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Of what the pods stand on, as far as that is known here."""
        ...

    def disturb(self) -> None:
        """Do what the scenario has in its middle, and return once it is done.

        Raises what went wrong.
        """
        ...

    def troubles(self) -> list[str]:
        """What happened to it that may not, a line each."""
        ...
