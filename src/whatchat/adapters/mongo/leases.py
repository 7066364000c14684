"""Named leases by the store's time."""

from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument

from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.domain.times import EPOCH


class Leases:
    """One document per name; taking or extending it is one step on the server, by its clock."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def acquire(self, name: str, holder: str, *, seconds: int) -> bool:
        """Take or extend the lease; false while another holds it."""
        lease = await self._database.majority.leases.find_one_and_update(
            {"_id": name},
            _take(holder, timedelta(seconds=seconds)),
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return lease is not None and bool(lease["holder"] == holder)

    async def release(self, name: str, holder: str) -> None:
        """Give the lease up, if it is held."""
        await self._database.majority.leases.delete_one({"_id": name, "holder": holder})

    async def ended(self, prefix: str) -> list[str]:
        """The names that begin so of leases that have ended and were not given up."""
        leases = self._database.majority.leases
        match = {
            "_id": {"$gte": prefix, "$lt": prefix + "\U0010ffff"},
            "$expr": {"$lte": ["$until", "$$NOW"]},
        }
        return [lease["_id"] async for lease in leases.find(match, {"_id": 1})]


def _take(holder: str, length: timedelta) -> list[dict[str, Any]]:
    own = {"$literal": holder}
    is_free = {
        "$or": [
            {"$eq": ["$holder", own]},
            {"$lte": [{"$ifNull": ["$until", EPOCH]}, "$$NOW"]},
        ]
    }
    until = {"$add": ["$$NOW", length // timedelta(milliseconds=1)]}
    return [
        {
            "$set": {
                "holder": {"$cond": [is_free, own, "$holder"]},
                "until": {"$cond": [is_free, until, "$until"]},
            }
        }
    ]
