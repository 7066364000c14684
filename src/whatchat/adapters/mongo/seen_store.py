"""When people were last there, in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pymongo import UpdateOne

from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.domain.ids import UserId


class MongoSeenStore:
    """Implements ``SeenStore``."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @within_deadline
    async def note(self, seen: Mapping[UserId, datetime]) -> None:
        if not seen:
            return
        updates = [
            UpdateOne({"_id": user_id}, {"$max": {"at": at}}, upsert=True)
            for user_id, at in seen.items()
        ]
        await self._database.majority.seen.bulk_write(updates, ordered=False)

    @within_deadline
    async def of(self, user_ids: Sequence[UserId]) -> Mapping[UserId, datetime]:
        wanted = {"_id": {"$in": list(user_ids)}}
        cursor = self._database.majority.seen.find(wanted, batch_size=len(user_ids) + 1)
        return {found["_id"]: found["at"] for found in await cursor.to_list()}
