"""Who is in a room and what they may do there, as the store says: the broker only hurries it."""

import asyncio
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import Rev, RoomId, UserId
from whatchat.domain.log import MemberRemoved, MembersAdded, RoomCreated
from whatchat.domain.ports.room_log import RoomLog
from whatchat.domain.ports.room_store import ChangedRoom, RoomStore
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.hub import Hub, LocalUser
from whatchat.realtime.repair import Repair

log = structlog.get_logger()

POLL_SECONDS: Final = 1.0
OVERLAP: Final = timedelta(seconds=10)
"""How late a change may show up after the time that the store gave it."""

MOST_CHANGES: Final = 2_000
RETOLD_AT_ONCE: Final = 8

_random: Final = random.SystemRandom()

Key = tuple[RoomId, Rev]


class _Place(NamedTuple):
    """Where a change leaves somebody: in the room or out of it."""

    rev: Rev
    is_in: bool


class MembershipWatch:
    """Sees to it each second that what changed in rooms is in force on this pod.

    A removal is within two seconds of its writing, with or without a broker, for as long
    as the store answers; a poll that fails is made up for by the next. What is missing
    here is told as the broker would have brought it: a room that is behind is filled in
    order; an entry that put somebody in or out, and is not known of, is announced again.

    Nothing is kept but which changes the latest answer held. All of the overlap are
    compared with the hub in each round, so that whoever connects meanwhile is as well.
    """

    def __init__(
        self, hub: Hub, rooms: RoomStore, room_log: RoomLog, delivery: Delivery, repair: Repair
    ) -> None:
        self._hub = hub
        self._rooms = rooms
        self._room_log = room_log
        self._delivery = delivery
        self._repair = repair
        self._since: datetime | None = None
        self._met: frozenset[Key] = frozenset()

    async def run(self) -> None:
        """Ask the store each second, until cancelled."""
        while True:
            try:
                await self.poll()
            except ChatError as error:
                log.warning("changes of rooms cannot be read yet", error=error.text)
            except Exception:
                log.exception("changes of rooms could not be taken in; trying again")
            await asyncio.sleep(POLL_SECONDS * _random.uniform(0.9, 1.1))

    async def poll(self) -> None:
        """Ask once, and put right what differs here."""
        found = await self._rooms.changed_since(self._since, limit=MOST_CHANGES)
        self._since = found.read_at - OVERLAP
        if not found.complete:
            self._repair.broker_resumed()  # comparing all is less than reading all that changed
        met, self._met = self._met, frozenset(map(_key, found.changes))
        # Whom a change brings in, its pod is most likely telling at this moment.
        due = [one for one in found.changes if _key(one) in met or not _newcomers(one)]
        for change in due:
            self._catch_up(change)
        await self._retell(self._unknown(due))

    def _catch_up(self, change: ChangedRoom) -> None:
        room = self._hub.room(change.room_id)
        if room is not None and room.feed.started:
            self._delivery.begin(room, change.rev)

    def _unknown(self, changes: Iterable[ChangedRoom]) -> list[Key]:
        """The latest changes that put somebody here in or out and did not; removals first."""
        places: dict[tuple[RoomId, LocalUser], _Place] = {}
        for change in changes:
            for user_id, place in _places(change):
                if (user := self._hub.user(user_id)) is not None:
                    places[change.room_id, user] = place
        unknown = {
            (room_id, place.rev): place.is_in
            for (room_id, user), place in places.items()
            if _differs(user, room_id, place) and not self._is_behind(room_id, place.rev)
        }
        return sorted(unknown, key=lambda key: unknown[key])

    def _is_behind(self, room_id: RoomId, rev: Rev) -> bool:
        """Whether the room has yet to get to ``rev``, and whoever is concerned with it."""
        room = self._hub.room(room_id)
        return room is not None and room.feed.position < rev

    async def _retell(self, keys: list[Key]) -> None:
        for some in batches(keys, RETOLD_AT_ONCE):
            await asyncio.gather(*(self._retell_one(*key) for key in some))

    async def _retell_one(self, room_id: RoomId, rev: Rev) -> None:
        """Have an entry's announcements come again; the next round does it if this cannot."""
        try:
            found = await self._room_log.announcements(room_id, after=Rev(rev - 1), limit=1)
        except ChatError as error:
            log.warning("a change of a room cannot be read yet", error=error.text)
            return
        for announcement in found:
            self._delivery.accept(announcement)


def _key(change: ChangedRoom) -> Key:
    return change.room_id, change.rev


def _newcomers(changed: ChangedRoom) -> tuple[UserId, ...]:
    match changed.change:
        case RoomCreated(members=user_ids) | MembersAdded(user_ids=user_ids):
            return user_ids
        case _:
            return ()


def _places(changed: ChangedRoom) -> Iterator[tuple[UserId, _Place]]:
    if isinstance(changed.change, MemberRemoved):
        yield changed.change.user_id, _Place(changed.rev, is_in=False)
    for user_id in _newcomers(changed):
        yield user_id, _Place(changed.rev, is_in=True)


def _differs(user: LocalUser, room_id: RoomId, place: _Place) -> bool:
    since = user.rooms.get(room_id)
    if place.is_in:
        return (since is None or since < place.rev) and not user.has_left(room_id, place.rev)
    return since is not None and since < place.rev
