"""The limiter for one pod, in memory."""

from collections.abc import Callable
from time import monotonic

from whatchat.domain.ports.limiter import Quota
from whatchat.domain.rates import MAX_KEYS, Rates


class EmbeddedLimiter:
    """Implements ``Limiter`` over a monotonic clock, in seconds, for at most ``max_keys``."""

    def __init__(self, clock: Callable[[], float] = monotonic, *, max_keys: int = MAX_KEYS) -> None:
        self._rates = Rates(clock, max_keys=max_keys)

    async def charge(self, key: str, quota: Quota, cost: int = 1) -> int:
        return self._rates.charge(key, quota, cost)
