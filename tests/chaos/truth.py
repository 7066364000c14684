"""What the store holds of rooms."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.chaos.evidence import Alteration, Entry, Line, Log
from whatchat.adapters.mongo.collections import Collection
from whatchat.adapters.mongo.log_documents import state_of
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain import log
from whatchat.domain.ids import Rev, RoomId, UserId

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
        pending, bodies = await self._pending(), await self._bodies()
        return {
            room_id: Log(
                *(room_id, people, await self._entries(room_id), pending[room_id]),
                *(await self._lines(room_id), bodies.get(room_id, ())),
            )
            for room_id, people in members.items()
        }

    async def heads(self, members: Members) -> dict[RoomId, Rev]:
        """How far these rooms' logs go."""
        return {room_id: (await self._entries(room_id))[-1].rev for room_id in members}

    async def _pending(self) -> Counter[RoomId]:
        """How many changes of each room are not projected."""
        found = self._documents.find({"pending": {"$exists": True}}, {"room_id": 1})
        return Counter([RoomId(entry["room_id"]) async for entry in found])

    async def _bodies(self) -> dict[RoomId, list[Rev]]:
        """The projected edits of each room that still have their words."""
        wordy = {"change.kind": "edited", "change.content": {"$ne": ""}}
        found: dict[RoomId, list[Rev]] = {}
        async for entry in self._documents.find({**wordy, "pending": {"$exists": False}}):
            found.setdefault(RoomId(entry["room_id"]), []).append(Rev(entry["rev"]))
        return found

    async def _lines(self, room_id: RoomId) -> list[Line]:
        """Read past the store's own methods, which would finish what is pending."""
        found = self._documents.find({"room_id": room_id, "seq": {"$gt": 0}}, sort=[("rev", 1)])
        return [Line.of_state(state_of(document)) async for document in found]

    async def _entries(self, room_id: RoomId) -> list[Entry]:
        found: list[Entry] = []
        while True:
            after = found[-1].rev if found else Rev(0)
            page = await self._store.messages.entries(room_id, after=after, limit=PAGE)
            found += map(_entry, page)
            if len(page) < PAGE:
                return found

    @property
    def _documents(self) -> Collection:
        return self._store._database.majority.log


def _entry(one: log.Entry) -> Entry:
    is_message = isinstance(one.change, log.MessagePosted)
    return Entry(one.rev, one.actor_id, one.client_id, is_message, _alteration(one.change))


def _alteration(change: log.AnyChange) -> Alteration | None:
    match change:
        case log.MessageEdited(seq=seq):
            return Alteration("edit", Rev(seq))
        case log.MessageDeleted(seq=seq):
            return Alteration("delete", Rev(seq))
        case log.ReactionChanged(seq=seq, emoji=emoji, present=present):
            return Alteration("react" if present else "unreact", Rev(seq), emoji)
        case _:
            return None
