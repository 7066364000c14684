"""All accounts and all rooms, in MongoDB."""

from whatchat.adapters.mongo.account_documents import account_of
from whatchat.adapters.mongo.account_names import found_by
from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.domain.ids import RoomId
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.room_state import RoomRecord


class MongoInventory:
    """Implements ``Inventory``; of rooms it finds the ids, and ``rooms`` knows what they are."""

    def __init__(self, database: MongoDatabase, rooms: RoomStore) -> None:
        self._database = database
        self._rooms = rooms

    @within_deadline
    async def accounts(
        self, *, query: str, banned: bool | None, after: str | None, limit: int
    ) -> list[Account]:
        match: list[Document] = [{"username": {"$gt": after or ""}}]
        if query:
            match.append(found_by(query.casefold()))
        if banned is not None:
            match.append({"banned_at": {"$exists": banned}})
        cursor = self._database.majority.accounts.find(
            {"$and": match}, sort=[("username", 1)], limit=limit, batch_size=limit + 1
        )
        return [account_of(found) for found in await cursor.to_list()]

    @within_deadline
    async def rooms(self, *, query: str, after: RoomId | None, limit: int) -> list[RoomRecord]:
        found: list[RoomRecord] = []
        while len(found) < limit:
            missing = limit - len(found)
            room_ids = await self._room_ids(query.casefold(), after, missing)
            records = await self._rooms.records(room_ids)
            found += [records[room_id] for room_id in room_ids if room_id in records]
            if len(room_ids) < missing:
                break
            after = room_ids[-1]
        return found

    async def _room_ids(self, folded: str, after: RoomId | None, limit: int) -> list[RoomId]:
        match: Document = {"_id": {"$gt": after or ""}}
        if folded:
            place = {"$indexOfCP": ["$name_folded", {"$literal": folded}]}
            match["$expr"] = {"$gte": [place, 0]}
        cursor = self._database.majority.rooms.find(
            match, {"_id": 1}, sort=[("_id", 1)], limit=limit, batch_size=limit + 1
        )
        return [found["_id"] for found in await cursor.to_list()]
