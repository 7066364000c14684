"""The generic cell rate algorithm (ITU-T I.371), in memory."""

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Final

from whatchat.domain.ports.limiter import Quota

MAX_KEYS: Final = 100_000
ROUNDING: Final = 1e-6


class Rates:
    """Charges keys over a monotonic clock, in seconds.

    Each key holds the moment at which its quota is whole again. Keys past that moment are
    dropped; above ``max_keys`` the oldest charged go first, so memory is bounded.
    """

    def __init__(self, clock: Callable[[], float] = monotonic, *, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._whole_at: dict[str, float] = {}

    def charge(self, key: str, quota: Quota, cost: int = 1) -> int:
        """Milliseconds to wait before ``cost`` units fit; 0, and charged, if they do now."""
        now = self._clock()
        start = max(self._whole_at.get(key, now), now)
        whole_at = start + cost / quota.rate
        wait = whole_at - quota.burst / quota.rate - now
        if wait > ROUNDING:
            return ceil(wait * 1000)
        self._remember(key, whole_at, now)
        return 0

    def _remember(self, key: str, whole_at: float, now: float) -> None:
        # Re-inserted at the end: the dictionary stays in order of the latest charge.
        self._whole_at.pop(key, None)
        self._whole_at[key] = whole_at
        self._drop_oldest(now)

    def _drop_oldest(self, now: float) -> None:
        """Forget up to two keys that are whole again, and any beyond the bound."""
        for _ in range(2):
            oldest = next(iter(self._whole_at))
            if self._whole_at[oldest] > now and len(self._whole_at) <= self._max_keys:
                return
            del self._whole_at[oldest]
