"""The generic cell rate algorithm (ITU-T I.371), in memory."""

from collections.abc import Callable, Sequence
from math import ceil
from time import monotonic
from typing import Final, NamedTuple

from whatchat.domain.ports.limiter import Charge, Quota

MAX_KEYS: Final = 100_000
ROUNDING: Final = 1e-6


class _Slowness(NamedTuple):
    factor: int
    until: float


class Rates:
    """Charges keys over a monotonic clock, in seconds, as a ``Limiter`` does.

    Each key holds the moment at which its quota is whole again. Keys past that moment are
    dropped; above ``max_keys`` the oldest charged go first, so memory is bounded. So is how
    many owners are slowed down.
    """

    def __init__(self, clock: Callable[[], float] = monotonic, *, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._whole_at: dict[tuple[str, str], float] = {}
        self._slowed: dict[str, _Slowness] = {}

    def take(self, key: str, quota: Quota, cost: float = 1) -> int:
        """:meth:`charge` for one key that nobody owns."""
        now = self._clock()
        whole_at, wait = self._after(("", key), quota, cost, now)
        if wait <= ROUNDING:
            self._remember(("", key), whole_at, now)
            return 0
        return _milliseconds(wait)

    def charge(self, charges: Sequence[Charge]) -> int:
        """Milliseconds to wait before all fit; 0, and all charged, if they do now."""
        now, longest = self._clock(), 0.0
        moments = list[tuple[tuple[str, str], float]]()
        for charge in charges:
            key, cost = (charge.owner, charge.key), charge.cost or 1
            if charge.owner and self._slowed:
                cost *= self.factor_of(charge.owner)
            whole_at, wait = self._after(key, charge.quota, cost, now)
            longest = max(longest, wait)
            if charge.cost:
                moments.append((key, whole_at))
        if longest > ROUNDING:
            return _milliseconds(longest)
        for key, whole_at in moments:
            self._remember(key, whole_at, now)
        return 0

    def slow_down(self, owner: str, *, factor: int, seconds: float) -> None:
        """Have every charge of an owner cost ``factor`` times until then."""
        self._slowed.pop(owner, None)
        if len(self._slowed) >= self._max_keys:
            del self._slowed[next(iter(self._slowed))]
        self._slowed[owner] = _Slowness(factor, self._clock() + seconds)

    def forgive(self, owner: str) -> None:
        """End it."""
        self._slowed.pop(owner, None)

    def factor_of(self, owner: str) -> int:
        """What an owner's charges are multiplied by now."""
        slowness = self._slowed.get(owner)
        if slowness is None:
            return 1
        if slowness.until <= self._clock():
            del self._slowed[owner]
            return 1
        return slowness.factor

    def _after(
        self, key: tuple[str, str], quota: Quota, cost: float, now: float
    ) -> tuple[float, float]:
        """When the quota were whole after this, and how many seconds to wait before it fits."""
        start = max(self._whole_at.get(key, now), now)
        if cost < 0:
            return start + max(cost, -quota.burst) / quota.rate, 0.0
        whole_at = start + min(cost, quota.burst) / quota.rate
        return whole_at, whole_at - quota.burst / quota.rate - now

    def _remember(self, key: tuple[str, str], whole_at: float, now: float) -> None:
        # Re-inserted at the end: the dictionary stays in order of the latest charge.
        self._whole_at.pop(key, None)
        if whole_at > now:
            self._whole_at[key] = whole_at
            self._drop_oldest(now)

    def _drop_oldest(self, now: float) -> None:
        """Forget up to two keys that are whole again, and any beyond the bound."""
        for _ in range(2):
            oldest = next(iter(self._whole_at))
            if self._whole_at[oldest] > now and len(self._whole_at) <= self._max_keys:
                return
            del self._whole_at[oldest]


def _milliseconds(wait: float) -> int:
    """How long to wait, such that it fits then and not before."""
    return ceil((wait - ROUNDING / 2) * 1000)
