"""What the store holds of rooms."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.chaos.evidence import Entry, Log
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import Rev, RoomId, UserId
from whatchat.domain.log import MessagePosted

PAGE = 1_000

Members = Mapping[RoomId, frozenset[UserId]]


class Truth:
    """Reads logs as a majority of the store's nodes has them, and changes nothing."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str) -> AsyncIterator["Truth"]:
        """With a connection of its own."""
        store = MongoStore(url)
        await store.open()
        try:
            yield cls(store)
        finally:
            await store.close()

    async def logs(self, members: Members) -> dict[RoomId, Log]:
        """These rooms' logs, whose members are known."""
        pending = await self._pending()
        return {
            room_id: Log(room_id, people, await self._entries(room_id), pending[room_id])
            for room_id, people in members.items()
        }

    async def heads(self, members: Members) -> dict[RoomId, Rev]:
        """How far these rooms' logs go."""
        return {room_id: log.entries[-1].rev for room_id, log in (await self.logs(members)).items()}

    async def _pending(self) -> Counter[RoomId]:
        """How many changes of each room are not projected."""
        log = self._store._database.majority.log
        found = log.find({"pending": {"$exists": True}}, {"room_id": 1})
        return Counter([RoomId(entry["room_id"]) async for entry in found])

    async def _entries(self, room_id: RoomId) -> list[Entry]:
        found: list[Entry] = []
        while True:
            after = found[-1].rev if found else Rev(0)
            page = await self._store.messages.entries(room_id, after=after, limit=PAGE)
            found += (
                Entry(one.rev, one.actor_id, one.client_id, isinstance(one.change, MessagePosted))
                for one in page
            )
            if len(page) < PAGE:
                return found
