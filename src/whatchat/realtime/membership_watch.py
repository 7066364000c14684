"""Who is in a room and what they may do there, as the store says: the broker only hurries it."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from whatchat.domain.audience import Audience, ToUser
from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import Rev, RoomId, UserId
from whatchat.domain.log import MemberRemoved, MembersAdded, RoomCreated
from whatchat.domain.ports.room_log import RoomLog
from whatchat.domain.ports.room_store import ChangedRoom, ChangedRooms, RoomStore
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.hub import Hub
from whatchat.realtime.repair import Repair

log = structlog.get_logger()

POLL_SECONDS: Final = 1.0
OVERLAP: Final = timedelta(seconds=10)
"""How late a change may show up after the time that the store gave it."""

MOST_CHANGES: Final = 500
"""Of one answer: reading it in holds the loop up."""

MOST_ANSWERS: Final = 20
"""Of one round; beyond these, comparing all is less than reading all that changed."""

PEOPLE_AT_ONCE: Final = 10_000
RETOLD_AT_ONCE: Final = 8

_random: Final = random.SystemRandom()

Key = tuple[RoomId, Rev]


class _Seen(NamedTuple):
    """A change, and whom of this pod's people it puts in the room, or out of it."""

    key: Key
    is_in: bool
    user_ids: Sequence[UserId]


class _Pace:
    """Lets others have the loop each time that enough people were looked at."""

    def __init__(self) -> None:
        self._people = 0

    async def keep(self, people: int) -> None:
        """Say that a change was looked at, and so many people."""
        self._people += 1 + people
        if self._people >= PEOPLE_AT_ONCE:
            self._people = 0
            await asyncio.sleep(0)


class MembershipWatch:
    """Sees to it each second that what changed in rooms is in force on this pod.

    A removal is within two seconds of its writing, with or without a broker, for as long
    as the store answers; a poll that fails is made up for by the next. What is missing
    here is told as the broker would have brought it: a room that is behind is filled in
    order; an entry that put somebody in or out, and is not known of, is announced again.
    Above some 900 changes a second in all rooms, everything is compared instead.

    Nothing is kept but which changes the latest answers held. All of the overlap are
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
        """Read all that changed, and put right what differs here."""
        seen = await self._read()
        met, self._met = self._met, frozenset(one.key for one in seen)
        # Whom a change brings in, its pod is most likely telling at this moment.
        due = [one for one in seen if one.key in met or not one.is_in]
        pace = _Pace()
        for one in due:
            self._catch_up(*one.key)
            await pace.keep(0)
        await self._retell(await self._unknown(due))

    async def _read(self) -> list[_Seen]:
        """What changed, answer by answer; nothing is passed over if one of them fails."""
        seen: list[_Seen] = []
        found = await self._rooms.changed_since(self._since, limit=MOST_CHANGES)
        since = found.read_at - OVERLAP
        await self._note(found, seen)
        for _ in range(MOST_ANSWERS - 1):
            if found.next is None:
                break
            found = await self._rooms.changed_since(found.next, limit=MOST_CHANGES)
            await self._note(found, seen)
        if found.next is not None:
            self._repair.broker_resumed()
        self._since = since
        return seen

    async def _note(self, found: ChangedRooms, seen: list[_Seen]) -> None:
        pace = _Pace()
        for change in found.changes:
            is_in, user_ids = _place(change)
            here = [user_id for user_id in user_ids if self._hub.user(user_id) is not None]
            seen.append(_Seen((change.room_id, change.rev), is_in, here))
            await pace.keep(len(user_ids))

    def _catch_up(self, room_id: RoomId, rev: Rev) -> None:
        room = self._hub.room(room_id)
        if room is not None and room.feed.started:
            self._delivery.begin(room, rev)

    async def _unknown(self, changes: Iterable[_Seen]) -> list[Key]:
        """The latest changes that put somebody here in or out and did not; removals first."""
        unknown: dict[tuple[RoomId, UserId], _Seen] = {}
        pace = _Pace()
        for change in changes:
            for user_id in change.user_ids:
                place = change.key[0], user_id
                if self._differs(user_id, change):
                    unknown[place] = change
                else:
                    unknown.pop(place, None)
            await pace.keep(len(change.user_ids))
        keys = {one.key: one.is_in for one in unknown.values() if not self._is_behind(*one.key)}
        return sorted(keys, key=lambda key: keys[key])

    def _differs(self, user_id: UserId, change: _Seen) -> bool:
        """Whether the user is not where the change put it."""
        room_id, rev = change.key
        user = self._hub.user(user_id)
        if user is None:
            return False
        since = user.rooms.get(room_id)
        if change.is_in:
            return (since is None or since < rev) and not user.has_left(room_id, rev)
        return since is not None and since < rev

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
            if not self._has_entered(announcement.audience):
                self._delivery.accept(announcement)

    def _has_entered(self, audience: Audience) -> bool:
        """Whether it tells of an entering that has come about here while it was being read."""
        if not isinstance(audience, ToUser) or audience.enters is None:
            return False
        user = self._hub.user(audience.user_id)
        return user is not None and user.rooms.get(audience.enters, -1) >= audience.joined_seq


def _place(changed: ChangedRoom) -> tuple[bool, Sequence[UserId]]:
    """Whether the change puts people in the room, and whom it puts in or out."""
    match changed.change:
        case RoomCreated(members=user_ids) | MembersAdded(user_ids=user_ids):
            return True, user_ids
        case MemberRemoved(user_id=user_id):
            return False, (user_id,)
        case _:
            return False, ()
