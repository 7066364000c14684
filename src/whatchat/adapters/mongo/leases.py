"""Named leases by the store's time."""

from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument

from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.domain.ports.store import Lease
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

    async def beginning(self, prefix: str) -> list[Lease]:
        """The leases whose names begin so."""
        cursor = self._database.majority.leases.find(
            {"_id": {"$gte": prefix, "$lt": prefix + "\U0010ffff"}},
            {"until": 1, "ended": {"$lte": ["$until", "$$NOW"]}},
        )
        return [
            Lease(name=found["_id"], until=found["until"], ended=found["ended"])
            async for found in cursor
        ]


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
