"""Whether a pod has more than its share of the sockets, and how many it may send away now."""

from collections import deque
from collections.abc import Sequence
from math import ceil, inf
from typing import Final

from whatchat.domain.ports.fleet import PodLoad

HOT: Final = 1.3
"""A pod with so many times the mean has too many."""

LEVEL: Final = 1.1
"""It then keeps so many times the mean: it is not hot again by what comes and goes by itself."""

LEAST: Final = 50
"""With fewer than so many above the mean it is not worth anybody's moving."""

CALM_SECONDS: Final = 30.0
"""So long the same pods must have served: who comes anew goes to the emptiest of them anyway."""

ABSENCE_SECONDS: Final = 20.0
"""A pod that is back within so long was only slow to tell of itself, and served all the time.

Longer than the time between two looks: one at which it is missing says nothing.
"""

ROUND_SECONDS: Final = 5.0
"""How often a pod with too many looks again."""

WINDOW_SECONDS: Final = 60.0

UNSEEN_SECONDS: Final = 10.0
"""So long somebody who was sent away may be neither here nor told of by another pod: on the way
there, after a round, and that pod tells of itself every few seconds."""

PROGRESS: Final = 0.9
PATIENCE: Final = 2
"""It is of no use, as they come back, if the fleet gets no more level by that fraction while a
pod sends away so many times what would have to move."""

REST_SECONDS: Final = 1_800.0


class Balance:
    """Decides for one pod by what all tell of themselves; never more than ``per_minute``.

    Nothing is decided that would bring the pod below the mean, while pods come, go or drain,
    or by a pod that is not ready. Seconds are those of any clock that does not go back.
    ``surplus`` is what the pod has beyond its share, 0 unless it is to send some away;
    ``is_in_vain`` while it rests as that did not help.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._serving: frozenset[str] = frozenset()
        self._since = inf
        self._complete_at = -inf
        self._lately: deque[tuple[float, int]] = deque()
        self._total = 0
        self._uneven_at = -inf
        self._unevenness = inf
        self._in_vain = 0
        self._resting_until = -inf
        self.surplus = 0
        self.is_in_vain = False

    def look(self, now: float, mine: PodLoad, others: Sequence[PodLoad], leaving: int = 0) -> int:
        """How many may be sent away over the next ``ROUND_SECONDS``, beside those who leave."""
        serving = [load for load in (mine, *others) if load.ready and not load.draining]
        drains = any(load.draining for load in (mine, *others))
        if not drains and self._misses_some(now, serving):
            return 0
        is_calm = self._is_calm(now, serving, drains=drains)
        surplus = self._surplus(now, mine, serving, leaving) if is_calm else 0
        if self._in_vain > PATIENCE * self._unevenness:
            surplus, self._resting_until = 0, now + REST_SECONDS
        self._remember(now, surplus)
        self.is_in_vain = now < self._resting_until
        self.surplus = surplus
        return min(surplus, self._allowance(now))

    def sent(self, now: float, count: int) -> None:
        """So many were sent away; some of those who may be cannot."""
        self._lately.append((now, count))
        self._in_vain += count

    def _misses_some(self, now: float, serving: Sequence[PodLoad]) -> bool:
        """Whether somebody is away who was there a moment ago: all is left as it is."""
        names = frozenset(load.pod for load in serving)
        return names < self._serving and now - self._complete_at <= ABSENCE_SECONDS

    def _is_calm(self, now: float, serving: Sequence[PodLoad], *, drains: bool) -> bool:
        names = frozenset(load.pod for load in serving)
        self._complete_at = now
        if names != self._serving or drains:
            self._serving, self._since, self._total = names, now, 0
            self._unevenness, self._in_vain = inf, 0
        return len(names) > 1 and now - self._since >= CALM_SECONDS

    def _surplus(self, now: float, mine: PodLoad, serving: Sequence[PodLoad], leaving: int) -> int:
        if mine not in serving:
            return 0
        mean = self._counted(now, serving, leaving) / len(serving)
        is_hot = mine.sockets > HOT * mean and mine.sockets >= mean + LEAST
        if not (is_hot or self.surplus) or now < self._resting_until:
            return 0
        self._note(sum(max(load.sockets - mean, 0) for load in serving))
        return max(mine.sockets - leaving - ceil(round(LEVEL * mean, 6)), 0)

    def _counted(self, now: float, serving: Sequence[PodLoad], leaving: int) -> int:
        """All sockets, with those who left here and are not seen elsewhere yet."""
        seen = sum(max(load.sockets, 0) for load in serving)
        sent = sum(count for at, count in self._lately if now - at < UNSEEN_SECONDS)
        unseen = min(max(sent - leaving, 0), max(self._total - seen, 0))
        self._total = seen + unseen
        return self._total

    def _note(self, unevenness: float) -> None:
        """How many would have to move for all to have the same."""
        unevenness = max(unevenness, LEAST)
        if unevenness < PROGRESS * self._unevenness:
            self._unevenness, self._in_vain = unevenness, 0

    def _remember(self, now: float, surplus: int) -> None:
        """Who was sent away and comes back is back by the end of ``WINDOW_SECONDS``."""
        if surplus:
            self._uneven_at = now
        elif now < self._resting_until or now - self._uneven_at >= WINDOW_SECONDS:
            self._unevenness, self._in_vain = inf, 0

    def _allowance(self, now: float) -> int:
        while self._lately and now - self._lately[0][0] >= WINDOW_SECONDS:
            self._lately.popleft()
        left = self._per_minute - sum(count for _, count in self._lately)
        return min(left, ceil(self._per_minute * ROUND_SECONDS / WINDOW_SECONDS))
