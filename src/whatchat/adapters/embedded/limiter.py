"""The limiter for one pod, in memory."""

from collections.abc import Callable, Sequence
from time import monotonic

from whatchat.domain.ports.limiter import Charge
from whatchat.domain.rates import MAX_KEYS, Rates


class EmbeddedLimiter:
    """Implements ``Limiter`` over a monotonic clock, in seconds, for at most ``max_keys``."""

    def __init__(self, clock: Callable[[], float] = monotonic, *, max_keys: int = MAX_KEYS) -> None:
        self._rates = Rates(clock, max_keys=max_keys)

    async def charge(self, charges: Sequence[Charge]) -> int:
        return self._rates.charge(charges)

    async def slow_down(self, owner: str, *, factor: int, seconds: int) -> None:
        self._rates.slow_down(owner, factor=factor, seconds=seconds)

    async def forgive(self, owner: str) -> None:
        self._rates.forgive(owner)

    async def factor_of(self, owner: str) -> int:
        return self._rates.factor_of(owner)
