"""Rooms and their people in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from whatchat.adapters.mongo.activity import Activity
from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.direct_peers import DirectPeers
from whatchat.adapters.mongo.indexes import (
    LOG_PENDING,
    LOG_PROJECTION,
)
from whatchat.adapters.mongo.log_queries import (
    and_also,
    pending_anywhere,
    pending_in,
    pending_publicly,
)
from whatchat.adapters.mongo.memberships import Memberships, memberships_in, position
from whatchat.adapters.mongo.picture import (
    Picture,
    Pictures,
    found_members,
    found_places,
    found_rooms,
)
from whatchat.adapters.mongo.projection import Projection
from whatchat.adapters.mongo.room_changes import read_room_changes
from whatchat.adapters.mongo.room_documents import member_id, member_of
from whatchat.adapters.mongo.room_heads import RoomHeads
from whatchat.adapters.mongo.room_states import RoomStates
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.models import LISTED_PEOPLE
from whatchat.domain.ports.room_store import (
    ChangedRooms,
    ChangesPosition,
    DirectPeer,
    Membership,
    RoomPosition,
)
from whatchat.domain.room_state import Member, RoomRecord, RoomState


class MongoRoomStore:
    """Implements ``RoomStore``; rooms are read as :class:`Pictures` takes them."""

    def __init__(self, database: MongoDatabase, projection: Projection, activity: Activity) -> None:
        self._database = database
        self._pictures = Pictures(database, projection)
        self._memberships = Memberships(self._pictures)
        self._states = RoomStates(self._pictures)
        self._direct_peers = DirectPeers(database, self._pictures)
        self._projection = projection
        self._heads = RoomHeads(database)
        self._activity = activity

    async def close(self) -> None:
        """Wait for what is being read for many."""
        await self._memberships.close()
        await self._states.close()
        await self._heads.close()

    @within_deadline
    async def state(self, room_id: RoomId) -> RoomState | None:
        return await self._states.of(room_id)

    @within_deadline
    async def record(self, room_id: RoomId) -> RoomRecord | None:
        return (await self._pictures.of_rooms([room_id])).record(room_id)

    @within_deadline
    async def records(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, RoomRecord]:
        picture = await self._pictures.of_rooms(room_ids)
        found = ((room_id, picture.record(room_id)) for room_id in picture.rooms)
        return {room_id: record for room_id, record in found if record}

    @within_deadline
    async def membership(self, room_id: RoomId, user_id: UserId) -> Membership | None:
        place = and_also(found_places({"_id": member_id(room_id, user_id)}), "members")
        found = await memberships_in(self._pictures, [(room_id, user_id)], place)
        return found[0] if found else None

    @within_deadline
    async def memberships(self, user_id: UserId) -> list[Membership]:
        return await self._memberships.of(user_id)

    @within_deadline
    async def memberships_page(
        self, user_id: UserId, *, before: RoomPosition | None, limit: int
    ) -> list[Membership]:
        everything = await self._memberships.of(user_id)
        if before:
            bound = (before.last_activity, before.room_id)
            everything = [one for one in everything if position(one) < bound]
        return everything[:limit]

    @within_deadline
    async def public_rooms(
        self, *, query: str, before: RoomPosition | None, limit: int
    ) -> list[RoomRecord]:
        await self._activity.settle()
        page = found_rooms(
            _public(query, before), {"$sort": {"last_activity": -1, "_id": -1}}, {"$limit": limit}
        )
        found = await self._pictures.since_now(
            [*pending_publicly(), and_also(page, "rooms")], hint=LOG_PENDING
        )
        picture = await self._pictures.of_rooms(list(found.rooms))
        return [
            replace(record, last_activity=room["last_activity"])
            for room in found.rooms.values()
            if (record := picture.record(room["_id"])) and picture.rooms[room["_id"]]["public"]
        ]

    @within_deadline
    async def members(self, room_id: RoomId, *, after: UserId | None, limit: int) -> list[Member]:
        match = {"room_id": room_id, "user_id": {"$gt": after or ""}}
        picture = await self._people([room_id], match, {"$sort": {"user_id": 1}}, {"$limit": limit})
        return picture.people()

    @within_deadline
    async def members_among(
        self, room_id: RoomId, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Member]:
        wanted = [member_id(room_id, user_id) for user_id in user_ids]
        match = {"_id": {"$in": wanted}, "concealed": {"$ne": True}}
        picture = await self._people([room_id], match)
        return {one.user_id: one for one in picture.people()}

    @within_deadline
    async def reveal(self, room_id: RoomId, user_id: UserId) -> bool:
        # What is projected late would conceal it anew.
        await self._projection.finish("room", [room_id])
        members = self._database.majority.members
        place = {"_id": member_id(room_id, user_id), "concealed": True}
        result = await members.update_one(place, {"$unset": {"concealed": ""}})
        if not result.matched_count and await members.find_one(place):
            raise Unavailable  # it was revealed, but no majority has that yet
        return result.matched_count == 1

    @within_deadline
    async def listed(
        self, records: Sequence[RoomRecord], viewer_id: UserId | None
    ) -> Mapping[RoomId, list[Member]]:
        listed: dict[RoomId, list[Member]] = {record.room_id: [] for record in records}
        small = [one.room_id for one in records if one.participant_count <= LISTED_PEOPLE]
        large = [one.room_id for one in records if one.participant_count > LISTED_PEOPLE]
        viewers = [member_id(room_id, viewer_id) for room_id in large if viewer_id]
        picture = await self._people(
            list(listed),
            {
                "$or": [
                    {"room_id": {"$in": small}},
                    {"room_id": {"$in": large}, "role": "admin"},
                    {"_id": {"$in": viewers}},
                ]
            },
        )
        for document in picture.members:
            listed[document["room_id"]].append(member_of(document))
        last = set(large)
        for room_id, people in listed.items():
            people.sort(key=_joining)
            if room_id in last:
                people.sort(key=lambda one: one.role != "admin")
        return listed

    @within_deadline
    async def joined(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Mapping[RoomId, Seq]]:
        theirs = and_also(found_places({"user_id": {"$in": user_ids}}), "members")
        picture = await self._pictures.since_now([*pending_anywhere(), theirs], hint=LOG_PENDING)
        found: dict[UserId, dict[RoomId, Seq]] = {}
        for place in picture.members:
            found.setdefault(place["user_id"], {})[place["room_id"]] = place["joined_seq"]
        return found

    @within_deadline
    async def direct_peers(
        self, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Sequence[DirectPeer]]:
        return await self._direct_peers.of(user_ids)

    @within_deadline
    async def heads(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, Rev]:
        return await self._heads.of(room_ids)

    @within_deadline
    async def changed_since(
        self, since: datetime | ChangesPosition | None, *, limit: int
    ) -> ChangedRooms:
        return await read_room_changes(self._database, since, limit)

    async def _people(
        self, room_ids: Sequence[RoomId], match: dict[str, Any], *then: dict[str, Any]
    ) -> Picture:
        members = and_also(found_members(match, *then), "members")
        return await self._pictures.of(
            [*pending_in("room", room_ids), members], hint=LOG_PROJECTION
        )


def _joining(member: Member) -> tuple[int, UserId]:
    return member.joined_seq, member.user_id


def _public(query: str, before: RoomPosition | None) -> Document:
    """Public rooms whose folded name contains the query, no character of which is special."""
    place = {"$indexOfCP": ["$name_folded", {"$literal": query.casefold()}]}
    match: Document = {"public": True}
    if query:
        match["$expr"] = {"$gte": [place, 0]}
    if before:
        at, room_id = before.last_activity, before.room_id
        match["$or"] = [
            {"last_activity": {"$lt": at}},
            {"last_activity": at, "_id": {"$lt": room_id}},
        ]
    return match
