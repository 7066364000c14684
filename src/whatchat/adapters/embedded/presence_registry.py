"""Who is online, for pods that share one process."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice

from whatchat.domain.ids import UserId
from whatchat.domain.ports.presence_registry import Standing, StandingChange
from whatchat.domain.times import utc_now


class InProcessPresenceRegistry:
    """Implements ``PresenceRegistry`` over a monotonic clock; the session registry feeds it.

    What people were told lies beside what is so: a change is where the two differ.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._notify: list[Callable[[], None]] = []
        self._ends: dict[UserId, float] = {}
        self._queue: list[tuple[float, UserId]] = []
        self._shown: set[UserId] = set()
        self._news: dict[UserId, float] = {}
        self._seen: dict[UserId, float] = {}

    # What the sessions tell.

    def enter(self, user_id: UserId, ends: float) -> None:
        """Somebody has a new socket, whose lease ends then."""
        self.extend(user_id, ends)
        self._seen.pop(user_id, None)
        if user_id not in self._shown and user_id not in self._news:
            self._news[user_id] = self._clock()
            for notify in self._notify:
                notify()

    def extend(self, user_id: UserId, ends: float) -> None:
        """A lease of somebody's ends no sooner than then."""
        if ends > self._ends.get(user_id, 0.0):
            self._end_at(user_id, ends)

    def leave(self, user_id: UserId, ends: float, *, is_last: bool) -> None:
        """A socket of somebody's was closed; what is left ends then."""
        if is_last:
            self._seen[user_id] = self._clock()
        self._end_at(user_id, ends)

    def _end_at(self, user_id: UserId, ends: float) -> None:
        self._ends[user_id] = ends
        heappush(self._queue, (ends, user_id))

    # The port.

    def when_changed(self, notify: Callable[[], None]) -> None:
        self._notify.append(notify)

    async def changes(self, *, limit: int, claim_seconds: int) -> Sequence[StandingChange]:
        now = self._clock()
        self._take_out_ended(now)
        found = []
        due = (user_id for user_id, at in sorted(self._news.items(), key=_moment) if at <= now)
        for user_id in list(islice(due, limit)):
            standing = self._standing(user_id)
            if standing.online == (user_id in self._shown):
                self._settle(user_id)
            else:
                self._news[user_id] = now + claim_seconds
                found.append(StandingChange(user_id=user_id, standing=standing))
        return found

    async def told(self, changes: Collection[StandingChange]) -> None:
        for change in changes:
            user_id, told = change.user_id, change.standing.online
            (self._shown.add if told else self._shown.discard)(user_id)
            if told == (user_id in self._ends):
                self._settle(user_id)
            else:
                self._news[user_id] = self._clock()

    async def standings(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Standing]:
        return {user_id: self._standing(user_id) for user_id in user_ids}

    async def some_online(self, limit: int) -> Sequence[UserId]:
        return list(islice(self._ends, limit))

    def _take_out_ended(self, now: float) -> None:
        while self._queue and self._queue[0][0] <= now:
            ends, user_id = heappop(self._queue)
            if self._ends.get(user_id) == ends:
                del self._ends[user_id]
                self._seen.setdefault(user_id, ends)
                self._news.setdefault(user_id, now)

    def _settle(self, user_id: UserId) -> None:
        self._news.pop(user_id, None)
        if user_id not in self._ends:
            self._seen.pop(user_id, None)

    def _standing(self, user_id: UserId) -> Standing:
        if user_id in self._ends:
            return Standing(online=True)
        seen = self._seen.get(user_id)
        return Standing(online=False, last_seen=None if seen is None else self._time_of(seen))

    def _time_of(self, moment: float) -> datetime:
        ago = timedelta(milliseconds=round((self._clock() - moment) * 1000))
        return utc_now() - ago


def _moment(item: tuple[UserId, float]) -> float:
    return item[1]
