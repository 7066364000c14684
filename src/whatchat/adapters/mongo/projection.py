"""Bringing messages, rooms and members up to what the log says."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from pymongo.errors import BulkWriteError, DuplicateKeyError

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.group_commit import DUPLICATE_KEY
from whatchat.adapters.mongo.indexes import LOG_MESSAGES, LOG_PROJECTION
from whatchat.adapters.mongo.log_documents import KINDS, Pending, entry_of, pending_of
from whatchat.adapters.mongo.message_updates import projected, updates_for
from whatchat.adapters.mongo.room_documents import (
    first_places,
    member_updates,
    record_of,
    room_document,
)
from whatchat.domain.batches import batches
from whatchat.domain.ids import RoomId, Seq
from whatchat.domain.log import Entry
from whatchat.domain.room_state import RoomRecord, nonexistent, record_after

MAX_UPDATES: Final = 1_000


class Projection:
    """Projects entries that are in the log already, their own writer's or a dead pod's.

    An entry stays pending until all that follows from it is written, so a crash at any
    point leaves work that the next reader or writer finds. Several may do the same work at
    once: what is late or repeated changes nothing.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def project(self, entries: Sequence[Entry]) -> None:
        """Project what was just appended to a room."""
        changes = [entry for entry in entries if pending_of(entry.change) == "message"]
        if changes:
            await self._messages(changes)
        if any(pending_of(entry.change) == "room" for entry in entries):
            await self.finish("room", {entries[0].room_id})

    async def finish(self, kind: Pending, room_ids: Iterable[RoomId]) -> None:
        """Project whatever of that kind is pending in these rooms."""
        for room_id in room_ids:
            entries = await self._pending(kind, room_id)
            if entries and kind == "message":
                await self._messages(entries)
            elif entries:
                await self._room(entries)

    async def finish_all(self) -> None:
        """Project whatever is pending anywhere."""
        log = self._database.majority.log
        for kind in KINDS:
            await self.finish(kind, await log.distinct("room_id", {"pending": kind}))

    async def _pending(self, kind: Pending, room_id: RoomId) -> list[Entry]:
        """The room's pending entries, in order; none that comes before one of them is missing."""
        cursor = self._database.majority.log.find(
            {"room_id": room_id, "projection": kind}, {"message": 0}, hint=LOG_PROJECTION
        )
        return [entry_of(document) for document in await cursor.sort("rev").to_list()]

    async def _messages(self, entries: Sequence[Entry]) -> None:
        updates = [update for entry in entries for update in updates_for(entry)]
        updates += [projected(entry) for entry in entries]
        await self._database.majority.log.bulk_write(updates)

    async def _room(self, entries: Sequence[Entry]) -> None:
        has_begun = await self._begun(entries[0])
        later = entries[1:] if has_begun else entries
        updates = [update for entry in later for update in member_updates(entry)]
        for some in batches(updates, MAX_UPDATES):
            await self._database.majority.members.bulk_write(some)
        while not await self._record(entries):
            pass
        await self._database.majority.log.bulk_write([projected(entry) for entry in entries])

    async def _begun(self, entry: Entry) -> bool:
        """Put a new room's first people in: inserting costs half of what updating does.

        False if ``entry`` is not a room's first, or one of them has a place there already.
        """
        places = first_places(entry)
        try:
            for some in batches(places, MAX_UPDATES):
                await self._database.majority.members.insert_many(some, ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            codes = {failure["code"] for failure in failures}
            if error.details["writeConcernErrors"] or codes != {DUPLICATE_KEY}:
                raise
            return False
        return bool(places)

    async def _record(self, entries: Sequence[Entry]) -> bool:
        """Apply to the room's document what is newer than it; false if another was faster.

        How many people there are is counted entry by entry: so each is applied once, in
        order, which ``changed_rev`` tells.
        """
        rooms = self._database.local.rooms
        known = await rooms.find_one({"_id": entries[0].room_id})
        record = record_of(known, known["changed_rev"], Seq(0), None) if known else None
        new = _folded(record or nonexistent(entries[0].room_id).record, entries)
        if record and new.rev == record.rev:
            return True
        document = room_document(new)
        if record is None:
            created = {"_id": new.room_id, **document, "last_activity": new.created_at}
            return await self._created(created)
        if document["public"]:
            document["last_activity"] = await self._last_activity(new)
        same = {"_id": new.room_id, "changed_rev": record.changed_rev}
        return (await rooms.update_one(same, {"$set": document})).matched_count == 1

    async def _created(self, document: Document) -> bool:
        try:
            await self._database.local.rooms.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def _last_activity(self, record: RoomRecord) -> datetime:
        """When somebody last wrote in a room that is public now, and perhaps was not before."""
        newest = await self._database.majority.log.find_one(
            {"room_id": record.room_id, "seq": {"$gt": 0}},
            {"at": 1},
            sort=[("seq", -1)],
            hint=LOG_MESSAGES,
        )
        return newest["at"] if newest else record.created_at


def _folded(record: RoomRecord, entries: Sequence[Entry]) -> RoomRecord:
    for entry in entries:
        if entry.rev > record.rev:
            record = record_after(record, entry)
    return record
