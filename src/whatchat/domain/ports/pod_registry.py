"""Which pods there are, and what each told of itself last."""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

KNOWN_SECONDS: Final = 10
"""How long a pod is known that tells no more."""

MAX_KNOWN: Final = 500
"""Of more pods, those that told something last are told of."""


class Told(Struct, frozen=True, kw_only=True):
    """A pod's latest ``note``, and how long ago that was by the registry's clock."""

    pod: str
    note: bytes
    silent_ms: int


class PodRegistry(Protocol):
    """Keeps a note of each pod, for ``KNOWN_SECONDS``; what it says is the pods' matter.

    Raises ``Unavailable`` while it is away.
    """

    async def tell(self, pod: str, note: bytes) -> None:
        """Keep this note instead of the one before."""
        ...

    async def leave(self, pod: str) -> None:
        """Know it no longer; harmless if it is not known."""
        ...

    async def all(self) -> Sequence[Told]:
        """All that are known, ``MAX_KNOWN`` at most, by name."""
        ...
