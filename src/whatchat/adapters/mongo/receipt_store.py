"""How far members have got, in MongoDB: in the documents of their places."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.indexes import LOG_MESSAGES
from whatchat.adapters.mongo.room_documents import member_id
from whatchat.adapters.mongo.snapshots import read_snapshot
from whatchat.domain.batches import batches
from whatchat.domain.ids import DeviceId, RoomId, Seq, UserId
from whatchat.domain.ports.receipt_store import (
    ChangedReceipts,
    Cursors,
    Move,
    Moved,
    ReceiptCount,
)
from whatchat.domain.receipts import after_move, by_member, devices_after, merged

MAX_UPDATES: Final = 1_000
MAX_ROOMS: Final = 1_000

_CURSORS: Final = ("delivered_seq", "read_seq", "shown_delivered_seq", "shown_read_seq")
_SHOWN: Final = _CURSORS[2:]
_PLACE: Final = {**dict.fromkeys(_CURSORS, 1), "devices": 1}


class MongoReceiptStore:
    """Implements ``ReceiptStore``: two round trips for any number of moves."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @within_deadline
    async def advance(self, moves: Sequence[Move]) -> list[Moved | None]:
        members = {member_id(*key): own for key, own in by_member(moves).items()}
        moved: dict[str, Moved] = {}
        for some in batches(list(members), MAX_UPDATES):
            moved |= await self._advance({key: members[key] for key in some})
        return [moved.get(member_id(one.room_id, one.user_id)) for one in moves]

    async def _advance(self, members: Mapping[str, Sequence[Move]]) -> Mapping[str, Moved]:
        places = self._database.majority.members
        present = {"_id": {"$in": list(members)}, "joined_seq": {"$gt": 0}}
        cursor = places.find(present, _PLACE, batch_size=MAX_UPDATES)
        moved: dict[str, Moved] = {}
        updates: list[UpdateOne] = []
        for place in await cursor.to_list():
            key, before = place["_id"], cursors_of(place)
            one = Moved(before=before, after=after_move(before, merged(members[key])))
            moved[key] = one
            if update := _update(place, one, members[key]):
                updates.append(update)
        if updates:
            await places.bulk_write(updates, ordered=False)
        return moved

    @within_deadline
    async def changed(
        self, viewer_id: UserId, room_ids: Sequence[RoomId], since: datetime | None
    ) -> ChangedReceipts:
        changed: set[RoomId] = set()
        read_at: datetime | None = None
        for some in batches(room_ids if since else (), MAX_ROOMS):
            found = await self._find(_changed(viewer_id, some, since))
            changed.update(one["_id"] for one in found.documents)
            read_at = read_at or found.read_at
        if read_at is None:
            read_at = (await self._find([{"$match": {"_id": ""}}])).read_at
        return ChangedReceipts(room_ids=frozenset(changed), read_at=read_at)

    @within_deadline
    async def authors(self, room_id: RoomId, *, after: Seq, upto: Seq) -> Mapping[UserId, Seq]:
        stages: list[dict[str, Any]] = [
            {"$match": {"room_id": room_id, "seq": {"$gt": after, "$lte": upto}}},
            {"$group": {"_id": "$actor_id", "seq": {"$max": "$seq"}}},
        ]
        cursor = await self._database.majority.log.aggregate(stages, hint=LOG_MESSAGES)
        return {one["_id"]: one["seq"] for one in await cursor.to_list()}

    @within_deadline
    async def count(self, room_id: RoomId, seq: Seq, *, without: UserId) -> ReceiptCount:
        there = {"room_id": room_id, "joined_seq": {"$gt": 0}, "user_id": {"$ne": without}}
        is_read = {"$cond": [{"$gte": ["$shown_read_seq", seq]}, 1, 0]}
        stages: list[dict[str, Any]] = [
            {"$match": {**there, "shown_delivered_seq": {"$gte": seq}}},
            {"$group": {"_id": None, "delivered": {"$sum": 1}, "read": {"$sum": is_read}}},
        ]
        cursor = await self._database.majority.members.aggregate(stages)
        for one in await cursor.to_list():
            return ReceiptCount(delivered=one["delivered"], read=one["read"])
        return ReceiptCount(delivered=0, read=0)

    @within_deadline
    async def devices(self, room_id: RoomId) -> Mapping[UserId, Mapping[DeviceId, Seq]]:
        there = {"room_id": room_id, "joined_seq": {"$gt": 0}, "delivered_seq": {"$gt": 0}}
        cursor = self._database.majority.members.find(there, {"user_id": 1, "devices": 1})
        return {one["user_id"]: one["devices"] for one in await cursor.to_list()}

    async def _find(self, stages: list[dict[str, Any]]) -> Any:
        arguments = {"pipeline": stages, "cursor": {"batchSize": MAX_ROOMS + 1}}
        return await read_snapshot(self._database, "aggregate", "members", **arguments)


def cursors_of(place: Document) -> Cursors:
    """The cursors in a member's document, which may be older than some of them."""
    return Cursors(**{name: place.get(name, Seq(0)) for name in _CURSORS})


def _update(place: Document, moved: Moved, moves: Sequence[Move]) -> UpdateOne | None:
    """What has to be written, if anything; it never takes back what another writes meanwhile."""
    known = place.get("devices", {})
    devices = devices_after(known, moves)
    if moved.after == moved.before and devices == known:
        return None
    furthest: dict[str, int] = {name: getattr(moved.after, name) for name in _CURSORS}
    grown = (name for name in devices if devices[name] > known.get(name, 0))
    changes: Document = {
        "$max": furthest | {f"devices.{name}": devices[name] for name in grown},
        "$currentDate": dict.fromkeys(_stamps(moved), True),
    }
    if forgotten := [name for name in known if name not in devices]:
        changes["$unset"] = {f"devices.{name}": "" for name in forgotten}
    return UpdateOne({"_id": place["_id"], "joined_seq": {"$gt": 0}}, changes)


def _stamps(moved: Moved) -> Iterable[str]:
    yield "moved_at"
    if any(getattr(moved.after, name) != getattr(moved.before, name) for name in _SHOWN):
        yield "shown_at"


def _changed(
    viewer_id: UserId, room_ids: Sequence[RoomId], since: datetime | None
) -> list[dict[str, Any]]:
    """``{_id}`` of each room where others' shown cursors, or the viewer's own, have moved."""
    later = {"$gte": since}
    own = [
        {"$match": {"user_id": viewer_id, "joined_seq": {"$gt": 0}, "moved_at": later}},
        {"$match": {"room_id": {"$in": room_ids}}},
    ]
    return [
        {"$match": {"room_id": {"$in": room_ids}, "shown_at": later}},
        {"$unionWith": {"coll": "members", "pipeline": own}},
        {"$group": {"_id": "$room_id"}},
    ]
