"""What one pod counts, in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Final

MAX_ENTRIES: Final = 200_000


@dataclass(slots=True)
class _Log:
    """When each thing was counted last, the earliest first; all over at ``ends``."""

    ends: float = 0.0
    times: dict[object, float] = field(default_factory=dict)


class InProcessTally:
    """Implements ``Tally`` over a monotonic clock, in seconds.

    Keys whose window is over are dropped; above ``max_entries`` in all the keys added to
    longest ago go first, so memory is bounded.
    """

    def __init__(
        self, clock: Callable[[], float] = monotonic, *, max_entries: int = MAX_ENTRIES
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._logs: dict[str, _Log] = {}
        self._entries = 0
        self._numbers = count()

    async def add(
        self, key: str, *, seconds: int, most: int, member: str | None = None, times: int = 1
    ) -> int:
        now = self._clock()
        # Re-inserted at the end: the dictionary stays in order of the latest addition.
        log = self._logs.pop(key, None) or _Log()
        self._logs[key] = log
        before = len(log.times)
        for _ in range(min(times, most)):
            _note(log, next(self._numbers) if member is None else member, now)
        _trim(log, now - seconds, most)
        log.ends = now + seconds
        self._entries += len(log.times) - before
        self._drop_oldest(now)
        return len(log.times)

    async def count(self, key: str, *, seconds: int, member: str | None = None) -> int:
        log = self._logs.get(key)
        over = self._clock() - seconds
        if log is None:
            return 0
        if member is not None:
            return int(log.times.get(member, over) > over)
        return sum(at > over for at in log.times.values())

    def _drop_oldest(self, now: float) -> None:
        """Forget up to two keys that are over, and any beyond the bound but the latest."""
        dropped = 0
        while len(self._logs) > 1:
            oldest = next(iter(self._logs))
            is_over = self._logs[oldest].ends <= now and dropped < 2
            if not is_over and self._entries <= self._max_entries:
                return
            self._entries -= len(self._logs.pop(oldest).times)
            dropped += 1


def _note(log: _Log, member: object, now: float) -> None:
    log.times.pop(member, None)
    log.times[member] = now


def _trim(log: _Log, over: float, most: int) -> None:
    """Keep what is within the window, and of that the latest ``most``."""
    while log.times:
        earliest = next(iter(log.times))
        if log.times[earliest] > over and len(log.times) <= most:
            return
        del log.times[earliest]
