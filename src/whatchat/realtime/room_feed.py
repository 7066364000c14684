"""One room's announcements, put in rev order. No input or output happens here."""

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count
from typing import Final

from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.ids import Rev

MAX_HELD: Final = 1_000
REMEMBERED: Final = 32

_Key = tuple[int, str, str]


class RoomFeed:
    """Lets a room's announcements out in the order of their revs, each once.

    What the room hears sets the pace: its next rev goes out at once, one further on is
    held until the hole before it is filled, one that has been is dropped. What one user
    hears goes out with its rev, without taking it: a rev that only users heard of is a
    hole like any other. Announcements that share a rev keep the order of their arrival.

    Until :meth:`start` says where the feed begins, everything is held. At most ``max_held``
    are; beyond that the store has them.
    """

    __slots__ = ("_held", "_known", "_max_held", "_oldest", "_position", "_recent", "_ties")

    def __init__(self, *, max_held: int = MAX_HELD) -> None:
        self._position: int | None = None
        self._known = 0
        self._oldest = 0
        self._max_held = max_held
        self._held: list[tuple[int, int, Announcement]] = []
        self._ties = count()
        self._recent: deque[_Key] = deque(maxlen=REMEMBERED)

    @property
    def started(self) -> bool:
        """Whether the feed knows where it begins."""
        return self._position is not None

    @property
    def position(self) -> Rev:
        """The latest rev that is out; 0 before the start."""
        return Rev(self._position or 0)

    @property
    def hole(self) -> bool:
        """Whether revs are missing that are known to exist."""
        return self._position is not None and (bool(self._held) or self._known > self._position)

    @property
    def holds_later(self) -> bool:
        """Whether something has come that is beyond what is missing."""
        return bool(self._held)

    def start(self, head: int) -> list[Announcement]:
        """Begin above ``head``, or, once begun, :meth:`reach` it; returns what goes out."""
        if self._position is not None:
            self.reach(head)
            return []
        self._position = head
        self._oldest = head + 1
        out: list[Announcement] = []
        self._drain(out)
        return out

    def reach(self, head: int) -> None:
        """Know that the room has got this far."""
        self._known = max(self._known, head)

    def take(self, announcement: Announcement) -> list[Announcement]:
        """Accept what arrived; returns what goes out now, in order."""
        if self._position is None or announcement.rev > self._position + 1:
            self._hold(announcement)
            return []
        out: list[Announcement] = []
        self._emit(announcement, out)
        self._drain(out)
        return out

    def fill(self, found: Iterable[Announcement]) -> list[Announcement]:
        """Accept what the store has after :attr:`position`, in order.

        A rev that the store announces nothing for counts as out.
        """
        out: list[Announcement] = []
        for announcement in found:
            self._advance(announcement.rev - 1)
            self._emit(announcement, out)
        if out:
            self._advance(out[-1].rev)
        self._drain(out)
        return out

    def skip(self) -> list[Announcement]:
        """Give the hole up: go on with what is held behind it."""
        self._advance(self._held[0][0] - 1 if self._held else self._known)
        out: list[Announcement] = []
        self._drain(out)
        return out

    def _hold(self, announcement: Announcement) -> None:
        self.reach(announcement.rev)
        if len(self._held) < self._max_held:
            heappush(self._held, (announcement.rev, next(self._ties), announcement))

    def _drain(self, out: list[Announcement]) -> None:
        while self._held and self._held[0][0] <= self.position + 1:
            self._emit(heappop(self._held)[2], out)

    def _emit(self, announcement: Announcement, out: list[Announcement]) -> None:
        rev, position = announcement.rev, self.position
        is_next = isinstance(announcement.audience, InRoom) and rev == position + 1
        if not is_next and self._is_repeated(announcement):
            return
        if is_next:
            self._position = rev
        self._remember(_key(announcement))
        out.append(announcement)

    def _is_repeated(self, announcement: Announcement) -> bool:
        audience = announcement.audience
        if isinstance(audience, ToUser) and (audience.enters or audience.leaves):
            return False  # whoever keeps the memberships knows better
        if isinstance(audience, InRoom) and announcement.rev < self.position:
            return True
        return announcement.rev < self._oldest or _key(announcement) in self._recent

    def _remember(self, key: _Key) -> None:
        if len(self._recent) == REMEMBERED:
            self._oldest = max(self._oldest, self._recent[0][0] + 1)
        self._recent.append(key)

    def _advance(self, rev: int) -> None:
        self._position = max(self.position, rev)


def _key(announcement: Announcement) -> _Key:
    audience = announcement.audience
    hearer = audience.user_id if isinstance(audience, ToUser) else ""
    return (announcement.rev, announcement.event, hearer)
