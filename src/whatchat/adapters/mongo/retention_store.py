"""What must not stay in MongoDB for long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.indexes import LOG_EXPIRING
from whatchat.adapters.mongo.log_documents import entry_id
from whatchat.domain.ports.retention_store import Expired


class MongoRetentionStore:
    """Implements ``RetentionStore``."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @within_deadline
    async def expired(
        self, now: datetime, *, after: Expired | None, limit: int
    ) -> Sequence[Expired]:
        cursor = self._database.majority.log.find(
            _behind(now, after),
            {"room_id": 1, "seq": 1, "actor_id": 1, "expiring_at": 1},
            sort=[("expiring_at", 1), ("_id", 1)],
            limit=limit,
            batch_size=limit,
            hint=LOG_EXPIRING,
        )
        return [_expired(document) for document in await cursor.to_list()]


def _behind(now: datetime, after: Expired | None) -> dict[str, Any]:
    if after is None:
        return {"expiring_at": {"$lte": now}}
    same = {"expiring_at": after.expires_at, "_id": {"$gt": entry_id(after.room_id, after.seq)}}
    return {"$or": [same, {"expiring_at": {"$gt": after.expires_at, "$lte": now}}]}


def _expired(document: Document) -> Expired:
    return Expired(
        room_id=document["room_id"],
        seq=document["seq"],
        sender_id=document["actor_id"],
        expires_at=document["expiring_at"],
    )
