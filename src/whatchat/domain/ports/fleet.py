"""How full each pod is."""

from typing import NamedTuple, Protocol

from msgspec import Struct


class PodLoad(Struct, frozen=True, kw_only=True):
    """A pod's sockets; ``ready``: it takes newcomers, ``draining``: it sends everybody away."""

    pod: str
    sockets: int
    ready: bool
    draining: bool


class Loads(NamedTuple):
    """Ours as it is now, and the others as they told within the last seconds."""

    mine: PodLoad
    others: list[PodLoad]


class Fleet(Protocol):
    """Knows the pods that share the users of an installation."""

    async def loads(self) -> Loads:
        """What is so now, and nothing that may be outdated.

        Raises ``Unavailable`` while the others cannot be known.
        """
        ...
