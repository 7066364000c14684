"""Whose rooms are which, for everybody who connects at the moment."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from whatchat.adapters.mongo.gathering import Gathering
from whatchat.adapters.mongo.indexes import LOG_CONCERNED, LOG_PENDING
from whatchat.adapters.mongo.log_queries import (
    and_also,
    newest_hidden,
    pending_anywhere,
    pending_for,
)
from whatchat.adapters.mongo.picture import Pictures, found_places
from whatchat.adapters.mongo.room_documents import member_of
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.room_store import Membership

MAX_PEOPLE: Final = 100
MAX_ROOMS: Final = 1_000


class _Places(NamedTuple):
    """Where somebody was found to be."""

    user_id: UserId
    room_ids: Sequence[RoomId]


class Memberships:
    """Reads all rooms of a user; those who ask at the same time share their commands.

    After an outage thousands connect within seconds, each asking for a few rooms. Which
    they are is asked first; then rooms and places are read, those of each at one moment.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._lists = Gathering(self._list, name="room-lists", most=MAX_PEOPLE)
        self._reads = Gathering(
            self._read, name="memberships", most=MAX_ROOMS, weigh=lambda one: len(one.room_ids)
        )

    async def of(self, user_id: UserId) -> list[Membership]:
        """All the user's rooms, newest activity first."""
        room_ids = await self._lists.ask(user_id)
        return await self._reads.ask(_Places(user_id, room_ids)) if room_ids else []

    async def close(self) -> None:
        """Wait for what is being read."""
        await self._lists.close()
        await self._reads.close()

    async def _list(self, user_ids: Sequence[UserId]) -> list[list[RoomId] | Exception]:
        places = found_places({"user_id": {"$in": user_ids}})
        named = {"$project": {"member.user_id": 1, "member.room_id": 1}}
        theirs = and_also([*places, named], "members")
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
        return [rooms[user_id] for user_id in user_ids]

    async def _read(self, places: Sequence[_Places]) -> list[list[Membership] | Exception]:
        wanted = [(room_id, one.user_id) for one in places for room_id in one.room_ids]
        user_ids = sorted({one.user_id for one in places})
        theirs = and_also(found_places({"user_id": {"$in": user_ids}}), "members")
        found: dict[UserId, list[Membership]] = defaultdict(list)
        for membership in await memberships_in(self._pictures, wanted, theirs):
            found[membership.member.user_id].append(membership)
        for memberships in found.values():
            memberships.sort(key=position, reverse=True)
        return [found[one.user_id] for one in places]


async def memberships_in(
    pictures: Pictures, places: Sequence[tuple[RoomId, UserId]], theirs: dict[str, Any]
) -> list[Membership]:
    """What stage ``theirs`` finds of these places, each with its room as that person sees it.

    Without those whose room is not among them.
    """
    room_ids = sorted({room_id for room_id, _ in places})
    picture = await pictures.of_rooms(room_ids, theirs, and_also(newest_hidden(places)))
    return [
        Membership(record=record, member=member_of(place))
        for place in picture.members
        if (record := picture.record_for(place["user_id"], place["room_id"]))
    ]


def position(membership: Membership) -> tuple[datetime, RoomId]:
    """What a user's rooms are sorted by."""
    return membership.record.last_activity, membership.record.room_id
