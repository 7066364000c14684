"""Whose rooms are which, for everybody who connects at the moment."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from whatchat.adapters.mongo.gathering import Gathering
from whatchat.adapters.mongo.indexes import LOG_CONCERNED, LOG_PENDING
from whatchat.adapters.mongo.log_queries import and_also, pending_anywhere, pending_for
from whatchat.adapters.mongo.picture import Picture, Pictures, found_members
from whatchat.adapters.mongo.room_documents import member_of
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.room_store import Membership

MAX_PEOPLE: Final = 100
MAX_ROOMS: Final = 2_000

Rooms = Mapping[UserId, Sequence[RoomId]]


class Memberships:
    """Reads all rooms of a user; those who ask at the same time share their commands.

    After an outage thousands connect within seconds, each asking for a few rooms.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._reads = Gathering(self._read, name="memberships", most=MAX_PEOPLE)

    async def of(self, user_id: UserId) -> list[Membership]:
        """All the user's rooms, newest activity first."""
        return await self._reads.ask(user_id)

    async def close(self) -> None:
        """Wait for what is being read."""
        await self._reads.close()

    async def _read(self, user_ids: Sequence[UserId]) -> list[list[Membership] | Exception]:
        """Which rooms there are is asked first; then rooms and places are read at one moment."""
        found: dict[UserId, list[Membership]] = {}
        for rooms in _parts(await self._rooms(sorted(set(user_ids)))):
            found |= await self._memberships(rooms)
        return [found.get(user_id, []) for user_id in user_ids]

    async def _rooms(self, user_ids: Sequence[UserId]) -> Rooms:
        theirs = and_also(found_members({"user_id": {"$in": user_ids}}), "members")
        if len(user_ids) == 1:
            asked = [*pending_for(user_ids[0]), theirs]
            picture = await self._pictures.of(asked, hint=LOG_CONCERNED)
        else:
            picture = await self._pictures.since_now(
                [*pending_anywhere(), theirs], hint=LOG_PENDING
            )
        rooms: dict[UserId, list[RoomId]] = defaultdict(list)
        for place in picture.members:
            rooms[place["user_id"]].append(place["room_id"])
        return rooms

    async def _memberships(self, rooms: Rooms) -> Mapping[UserId, list[Membership]]:
        room_ids = sorted({room_id for some in rooms.values() for room_id in some})
        theirs = and_also(found_members({"user_id": {"$in": list(rooms)}}), "members")
        found: dict[UserId, list[Membership]] = defaultdict(list)
        for membership in memberships_in(await self._pictures.of_rooms(room_ids, theirs)):
            found[membership.member.user_id].append(membership)
        for memberships in found.values():
            memberships.sort(key=position, reverse=True)
        return found


def memberships_in(picture: Picture) -> list[Membership]:
    """The places in a picture, each with its room; without those whose room is not in it."""
    return [
        Membership(record=record, member=member_of(place))
        for place in picture.members
        if (record := picture.record(place["room_id"]))
    ]


def position(membership: Membership) -> tuple[datetime, RoomId]:
    """What a user's rooms are sorted by."""
    return membership.record.last_activity, membership.record.room_id


def _parts(rooms: Rooms) -> Iterator[Rooms]:
    """People by people, with few enough rooms to a command; nobody's are taken apart."""
    part: dict[UserId, Sequence[RoomId]] = {}
    count = 0
    for user_id, room_ids in rooms.items():
        if part and count + len(room_ids) > MAX_ROOMS:
            yield part
            part, count = {}, 0
        part[user_id] = room_ids
        count += len(room_ids)
    if part:
        yield part
