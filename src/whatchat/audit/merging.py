"""Acts that are alike, in one record."""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from whatchat.domain.audit import Act, Party, Record
from whatchat.domain.networks import network_of

WINDOW_SECONDS: Final = 10.0
MAX_WINDOWS: Final = 10_000

_Likeness = tuple[Party, Act]


class _Window:
    """What came after the first; ``latest`` is the latest of them."""

    def __init__(self) -> None:
        self.latest: Record | None = None
        self.count = 0


class Merging:
    """Hands the first of those that are alike on at once, and what follows it in one record.

    Alike are those of one actor, kind, object, outcome and detail; visitors are told apart by
    their networks, as one of them may have any number of addresses. Each ``seconds`` that
    follow end with one record, which has the time of the latest and the ``count`` of all,
    until there was none. Above ``MAX_WINDOWS`` kinds at once, records are handed on singly.
    """

    def __init__(self, hand_on: Callable[[Record], None], *, seconds: float) -> None:
        self._hand_on = hand_on
        self._seconds = seconds
        self._windows: dict[_Likeness, _Window] = {}
        self._ends: dict[_Likeness, asyncio.TimerHandle] = {}

    def add(self, record: Record) -> None:
        """Hand a record on, now or counted; needs a running loop."""
        likeness = _alike(record.actor), replace(record.act, count=1)
        if (window := self._windows.get(likeness)) is not None:
            window.latest = record
            window.count += record.act.count
            return
        if len(self._windows) < MAX_WINDOWS:
            self._open(likeness)
        self._hand_on(record)

    def close(self) -> None:
        """Hand on what is counted so far."""
        for end in self._ends.values():
            end.cancel()
        self._ends.clear()
        windows, self._windows = list(self._windows.values()), {}
        for window in windows:
            self._tell(window)

    def _open(self, likeness: _Likeness) -> None:
        self._windows[likeness] = _Window()
        loop = asyncio.get_running_loop()
        self._ends[likeness] = loop.call_later(self._seconds, self._end, likeness)

    def _end(self, likeness: _Likeness) -> None:
        window = self._windows.pop(likeness)
        del self._ends[likeness]
        if window.latest is not None:
            self._open(likeness)
        self._tell(window)

    def _tell(self, window: _Window) -> None:
        if (latest := window.latest) is not None:
            self._hand_on(replace(latest, act=replace(latest.act, count=window.count)))


def _alike(actor: Party) -> Party:
    if actor.role != "visitor" or actor.address is None:
        return actor
    return replace(actor, address=network_of(actor.address))
