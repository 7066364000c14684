"""Who is typing, as far as others were told. No input or output happens here."""

from collections import Counter
from itertools import takewhile
from typing import Final, NamedTuple

from whatchat.domain.ids import RoomId, UserId

TYPING_SECONDS: Final = 6.0
REPEAT_SECONDS: Final = 2.5
"""A start that was told is told again after this at the earliest."""

STARTS_AT_ONCE: Final = 4
"""So often somebody may stop and start again in a room before that is told more slowly."""

ROOM_STARTS_A_SECOND: Final = 10
MAX_TYPISTS: Final = 10_000


class Typist(NamedTuple):
    """Somebody in a room, whatever the device."""

    room_id: RoomId
    user_id: UserId


class _Typing:
    """``told``: others believe that it goes on. ``is_over``: it does not, and they do not know."""

    __slots__ = ("allowance", "due", "is_over", "told", "told_at")

    def __init__(self) -> None:
        self.told = self.is_over = False
        self.told_at = self.due = 0.0
        self.allowance = float(STARTS_AT_ONCE)


class TypingBoard:
    """Decides which starts and stops are told; times are seconds of one monotonic clock.

    A start holds for :data:`TYPING_SECONDS` after the last time that it was said. While it is
    told, saying it again is told once :data:`REPEAT_SECONDS` have passed, so that whoever has
    come meanwhile learns of it. A room is told :data:`ROOM_STARTS_A_SECOND` starts, whoever
    types, and :data:`MAX_TYPISTS` are kept in all; of what is beyond that others hear neither
    the start nor the end.
    """

    def __init__(self, *, max_typists: int = MAX_TYPISTS) -> None:
        self._max_typists = max_typists
        self._typing: dict[Typist, _Typing] = {}  # in the order of ``due``
        self._rooms: dict[UserId, set[RoomId]] = {}
        self._over: dict[Typist, None] = {}
        self._second = 0
        self._heard: Counter[RoomId] = Counter()

    def __len__(self) -> int:
        return len(self._typing)

    def hear(self, room_id: RoomId, now: float) -> None:
        """Count a start that a room was told, by this pod or another."""
        self._turn(now)
        self._heard[room_id] += 1

    def start(self, typist: Typist, now: float) -> bool:
        """Somebody types, or goes on; whether others are to be told."""
        typing = self._touch(typist, now)
        if typing is None:
            return False
        goes_on = typing.told and not typing.is_over
        typing.is_over = False
        self._over.pop(typist, None)
        if goes_on and now - typing.told_at < REPEAT_SECONDS:
            return False
        return self._tell(typist, typing, now)

    def stop(self, typist: Typist) -> bool:
        """Somebody has stopped; whether others are to be told."""
        typing = self._typing.get(typist)
        if typing is None or not typing.told:
            return False
        typing.told = typing.is_over = False
        self._over.pop(typist, None)
        return True

    def end(self, typist: Typist) -> bool:
        """Let somebody's typing be over; whether others believe that it goes on."""
        typing = self._typing.get(typist)
        if typing is None or not typing.told:
            return False
        typing.is_over = True
        self._over[typist] = None
        return True

    def end_all(self, user_id: UserId) -> bool:
        """The same for all that this person types."""
        room_ids = self._rooms.get(user_id, ())
        return bool([room_id for room_id in room_ids if self.end(Typist(room_id, user_id))])

    def over(self, now: float) -> list[Typist]:
        """Whose typing is over while others believe that it goes on; forgets who has stopped."""
        for typist in self._overdue(now):
            if not self.end(typist):
                self._forget(typist)
        return list(self._over)

    def is_over(self, typist: Typist) -> bool:
        """Whether somebody's typing is over while others believe that it goes on."""
        return typist in self._over

    def next_due(self) -> float | None:
        """When to look for what is :meth:`over` next; ``None`` while nobody types."""
        first = next(iter(self._typing.values()), None)
        return None if first is None else first.due

    def _touch(self, typist: Typist, now: float) -> _Typing | None:
        """What is known of somebody who types now; ``None`` where that is too much to keep."""
        typing = self._typing.pop(typist, None)
        if typing is None:
            if len(self._typing) >= self._max_typists:
                return None
            typing = _Typing()
            self._rooms.setdefault(typist.user_id, set()).add(typist.room_id)
        typing.due = now + TYPING_SECONDS
        self._typing[typist] = typing
        return typing

    def _overdue(self, now: float) -> list[Typist]:
        items = takewhile(lambda item: item[1].due <= now, self._typing.items())
        return [typist for typist, _ in items]

    def _forget(self, typist: Typist) -> None:
        del self._typing[typist]
        rooms = self._rooms[typist.user_id]
        rooms.discard(typist.room_id)
        if not rooms:
            del self._rooms[typist.user_id]

    def _tell(self, typist: Typist, typing: _Typing, now: float) -> bool:
        """Take what telling costs, of the typist and of the room; whether there was enough."""
        self._turn(now)
        regained = (now - typing.told_at) / REPEAT_SECONDS
        allowance = min(STARTS_AT_ONCE, typing.allowance + regained)
        if allowance < 1 or self._heard[typist.room_id] >= ROOM_STARTS_A_SECOND:
            return False
        typing.allowance, typing.told_at = allowance - 1, now
        typing.told = True
        return True

    def _turn(self, now: float) -> None:
        if int(now) != self._second:
            self._second = int(now)
            self._heard.clear()
