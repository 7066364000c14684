"""How much anybody may ask for."""

from typing import Protocol

from msgspec import Struct


class Quota(Struct, frozen=True, kw_only=True):
    """``rate`` units a second on average, up to ``burst`` at once."""

    rate: float
    burst: int


class Limiter(Protocol):
    """Charges keys against quotas by the generic cell rate algorithm (ITU-T I.371)."""

    async def charge(self, key: str, quota: Quota, cost: int = 1) -> int:
        """Milliseconds to wait before ``cost`` units fit; 0, and charged, if they do now."""
        ...
