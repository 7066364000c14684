"""What must not stay in MongoDB for long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.indexes import LOG_EXPIRING, LOG_UNDELIVERED
from whatchat.adapters.mongo.log_documents import entry_id
from whatchat.adapters.mongo.message_updates import given_up
from whatchat.adapters.mongo.projection import Projection
from whatchat.domain.delivery import Place, reached
from whatchat.domain.ids import RoomId
from whatchat.domain.ports.message_store import MessageKey
from whatchat.domain.ports.retention_store import Expired, Reach, Undelivered


class MongoRetentionStore:
    """Implements ``RetentionStore``."""

    def __init__(self, database: MongoDatabase, projection: Projection) -> None:
        self._database = database
        self._projection = projection

    @within_deadline
    async def expired(
        self, now: datetime, *, after: Expired | None, limit: int
    ) -> Sequence[Expired]:
        cursor = self._database.majority.log.find(
            _behind(now, after),
            {"room_id": 1, "rev": 1, "actor_id": 1, "expiring_at": 1},
            sort=[("expiring_at", 1), ("_id", 1)],
            limit=limit,
            batch_size=limit,
            hint=LOG_EXPIRING,
        )
        return [_expired(document) for document in await cursor.to_list()]

    @within_deadline
    async def undelivered(self, *, after: MessageKey | None, limit: int) -> Sequence[Undelivered]:
        cursor = self._database.majority.log.find(
            {"undelivered": True, **_behind_key(after)},
            {"room_id": 1, "rev": 1, "actor_id": 1, "message.content_rev": 1},
            sort=[("room_id", 1), ("rev", 1)],
            limit=limit,
            batch_size=limit,
            hint=LOG_UNDELIVERED,
        )
        return [_undelivered(document) for document in await cursor.to_list()]

    @within_deadline
    async def reaches(self, room_id: RoomId, *, now: datetime, since: datetime) -> Sequence[Reach]:
        cursor = await self._database.majority.members.aggregate(
            [
                {"$match": {"room_id": room_id, "joined_seq": {"$gt": 0}}},
                {"$project": {"user_id": 1, "joined_seq": 1, "devices": 1}},
                _seen_devices(now, since),
                {"$match": {"seen": {"$ne": []}}},
            ],
            hint="members_room",
        )
        places = {
            found["user_id"]: Place(
                found["joined_seq"],
                found.get("devices", {}),
                [device["device_id"] for device in found["seen"]],
            )
            for found in await cursor.to_list()
        }
        return reached(places)

    @within_deadline
    async def give_up(self, messages: Sequence[Undelivered], at: datetime) -> None:
        # What is projected late could bring back what a hidden edit stands in place of.
        await self._projection.finish("message", {message.room_id for message in messages})
        updates = [update for message in messages for update in given_up(message, at)]
        if updates:
            await self._database.majority.log.bulk_write(updates)


def _behind_key(after: MessageKey | None) -> dict[str, Any]:
    if after is None:
        return {}
    room_id, seq = after
    return {"$or": [{"room_id": room_id, "rev": {"$gt": seq}}, {"room_id": {"$gt": room_id}}]}


def _seen_devices(now: datetime, since: datetime) -> dict[str, Any]:
    seen = {"expires_at": {"$gt": now}, "last_seen_at": {"$gte": since}}
    return {
        "$lookup": {
            "from": "devices",
            "localField": "user_id",
            "foreignField": "user_id",
            "pipeline": [{"$match": seen}, {"$project": {"_id": 0, "device_id": 1}}],
            "as": "seen",
        }
    }


def _undelivered(document: Document) -> Undelivered:
    return Undelivered(
        room_id=document["room_id"],
        seq=document["rev"],
        sender_id=document["actor_id"],
        content_rev=document["message"]["content_rev"],
    )


def _behind(now: datetime, after: Expired | None) -> dict[str, Any]:
    if after is None:
        return {"expiring_at": {"$lte": now}}
    same = {"expiring_at": after.expires_at, "_id": {"$gt": entry_id(after.room_id, after.seq)}}
    return {"$or": [same, {"expiring_at": {"$gt": after.expires_at, "$lte": now}}]}


def _expired(document: Document) -> Expired:
    return Expired(
        room_id=document["room_id"],
        seq=document["rev"],
        sender_id=document["actor_id"],
        expires_at=document["expiring_at"],
    )
