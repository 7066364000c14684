"""How a pod is, and how it ends."""

from typing import Protocol

from msgspec import Struct


class PodState(Struct, frozen=True, kw_only=True):
    """A pod's own view of itself; ``ready``: it may take traffic."""

    name: str
    version: str
    ready: bool
    draining: bool


class PodLife(Protocol):
    """Looks at this pod, and ends it."""

    async def state(self) -> PodState:
        """How it is now."""
        ...

    def end(self) -> None:
        """Have it end as by SIGTERM, clients moved away first; harmless if it does."""
        ...
