"""Many deadlines of equal length, behind one timer of the loop."""

import asyncio
import math
from collections.abc import Callable
from itertools import takewhile
from typing import Final, Generic, TypeVar

import structlog

log = structlog.get_logger()

K = TypeVar("K")

TICK: Final = 0.005


class Wheel(Generic[K]):
    """Calls ``expired`` for each key ``seconds`` after it was put in, unless it is dropped.

    As all wait equally long, the order of arrival is the order of expiry: putting in and
    dropping cost one operation on a dict. Expiry is never early, and at most 5 ms late while
    the loop keeps up; ``expired_at`` is when the key was due whose call now runs, in the
    loop's time.
    """

    __slots__ = ("_due", "_expired", "_loop", "_seconds", "_timer", "expired_at")

    def __init__(self, seconds: float, expired: Callable[[K], None]) -> None:
        self._seconds = seconds
        self._expired = expired
        self._due: dict[K, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.expired_at = 0.0

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: K) -> bool:
        return key in self._due

    def put(self, key: K, *, since: float | None = None) -> None:
        """Begin to count, or begin again; ``since`` must not be far from now."""
        self._due.pop(key, None)
        loop = self._loop
        if loop is None:  # asking for it costs a system call each time
            loop = self._loop = asyncio.get_running_loop()
        due = self._due[key] = (since or loop.time()) + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(due, self._turn)

    def drop(self, key: K) -> bool:
        """Count no longer; false if it was not counted."""
        return self._due.pop(key, None) is not None

    def look_at(self, key: K) -> None:
        """Do not let a key wait for the next turn that is due already."""
        if self._loop is not None and self._due.get(key, math.inf) <= self._loop.time():
            self._expire(key)

    def close(self) -> None:
        """Call nothing any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        # The loop's clock is coarser than a float: what is due within a millisecond is due.
        now = loop.time() + 0.001
        for key in self._come(now):
            # An earlier call of this turn may have dropped it, or begun its time again.
            if self._due.get(key, math.inf) <= now:
                self._expire(key)
        # What was put in meanwhile found a timer, and is due after all that is left.
        self._timer = None
        if self._due:
            soonest = next(iter(self._due.values()))
            self._timer = loop.call_at(max(soonest, now + TICK), self._turn)

    def _come(self, now: float) -> list[K]:
        return [key for key, _ in takewhile(lambda item: item[1] <= now, self._due.items())]

    def _expire(self, key: K) -> None:
        self.expired_at = self._due.pop(key)
        try:
            self._expired(key)
        except Exception:
            # One that raises holds up none of the others.
            log.exception("a deadline could not be kept")
