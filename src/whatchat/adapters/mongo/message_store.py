"""The room log in MongoDB."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pymongo.errors import BulkWriteError

from whatchat.adapters.mongo.activity import Activity
from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.group_commit import DUPLICATE_KEY, GroupCommit
from whatchat.adapters.mongo.indexes import (
    LOG_CHANGED,
    LOG_MESSAGES,
    LOG_ONCE,
    LOG_ORDER,
    LOG_UNCOUNTED,
)
from whatchat.adapters.mongo.log_documents import (
    KINDS,
    WITHOUT_STATE,
    entry_document,
    entry_id,
    shown_entry_of,
    state_of,
)
from whatchat.adapters.mongo.log_queries import (
    Stages,
    and_also,
    changed,
    changed_hidden,
    history,
    joined,
    latest,
    partly_hidden,
    pending_in,
    uncounted,
    unread,
    with_hidden,
    with_hidden_changes,
)
from whatchat.adapters.mongo.projection import Projection
from whatchat.domain.batches import batches
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import MAX_REV, ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import Entry, MessagePosted
from whatchat.domain.message_state import MessageState, as_of, latest_seen
from whatchat.domain.ports.message_store import Appended, ChangedSpan, MessageKey
from whatchat.domain.times import Clock

MAX_SPANS: Final = 100
ONE_BATCH: Final = 20_000


class MongoMessageStore:
    """Implements ``MessageStore``.

    An entry is one document, inserted at its rev or not at all; of a batch each is inserted
    after the one before. A message needs nothing more. Any other change is then projected,
    and a read that meets one that is not projects it first: see :class:`Projection`.
    """

    def __init__(
        self, database: MongoDatabase, projection: Projection, activity: Activity, clock: Clock
    ) -> None:
        self._database = database
        self._clock = clock
        self._projection = projection
        self._activity = activity
        self._group_commit = GroupCommit(database)

    async def close(self) -> None:
        """Wait for what is being appended."""
        await self._group_commit.close()

    @within_deadline
    async def append(self, entries: Sequence[Entry]) -> Appended:
        appended = await self._insert(entries)
        made = entries[: appended.count]
        await self._projection.project(made)
        for entry in made:
            if isinstance(entry.change, MessagePosted):
                self._activity.note(entry.room_id, entry.at)
        return appended

    @within_deadline
    async def finish(self, room_ids: Collection[RoomId]) -> None:
        for kind in KINDS:
            pending = {"pending": kind, "room_id": {"$in": list(room_ids)}}
            found = await self._database.majority.log.distinct("room_id", pending)
            await self._projection.finish(kind, found)

    @within_deadline
    async def entries(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Entry]:
        cursor = self._database.majority.log.find(
            {"room_id": room_id, "rev": {"$gt": after}},
            WITHOUT_STATE,
            sort=[("rev", 1)],
            limit=limit,
            batch_size=limit,
            hint=LOG_ORDER,
        )
        return [shown_entry_of(document) for document in await cursor.to_list()]

    @within_deadline
    async def find(self, room_id: RoomId, actor_id: UserId, client_id: ClientId) -> Entry | None:
        await self._projection.finish("message", [room_id])
        key = {"room_id": room_id, "actor_id": actor_id, "client_id": client_id}
        document = await self._database.majority.log.find_one(key, WITHOUT_STATE, hint=LOG_ONCE)
        return shown_entry_of(document) if document else None

    @within_deadline
    async def messages(self, keys: Sequence[MessageKey]) -> Mapping[MessageKey, MessageState]:
        if not keys:
            return {}
        wanted = [entry_id(*key) for key in keys]
        found = await self._states(
            sorted({room_id for room_id, _ in keys}),
            [{"$match": {"_id": {"$in": wanted}, "message": {"$exists": True}}}],
            hint="_id_",
        )
        return {(state.room_id, state.seq): state for state in found}

    @within_deadline
    async def history(
        self,
        room_id: RoomId,
        *,
        viewer_id: UserId,
        first: Seq,
        before: Seq | None,
        after: Seq | None,
        limit: int,
    ) -> list[MessageState]:
        forward = after is not None and before is None
        bounds = {
            "$gt": max(first - 1, after or 0),
            "$lt": MAX_REV + 1 if before is None else before,
        }
        stages = history(viewer_id, room_id, bounds, 1 if forward else -1, limit)
        found = sorted(
            await self._states([room_id], stages, hint=LOG_MESSAGES), key=lambda one: one.seq
        )
        return found[:limit] if forward else found[-limit:]

    @within_deadline
    async def latest(
        self, viewer_id: UserId, spans: Mapping[RoomId, tuple[Seq, Rev]], *, limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        found: dict[RoomId, list[MessageState]] = {room_id: [] for room_id in spans}
        for some in batches(list(spans), MAX_SPANS):
            found |= await self._latest(viewer_id, {one: spans[one] for one in some}, limit)
        return found

    async def _latest(
        self, viewer_id: UserId, spans: Mapping[RoomId, tuple[Seq, Rev]], limit: int
    ) -> dict[RoomId, list[MessageState]]:
        """Many rooms in one command; one where the viewer is hidden in a command of its own."""
        looks = [latest(room_id, *span, limit) for room_id, span in spans.items()]
        stages = [*joined(looks), and_also(with_hidden(viewer_id, list(spans)))]
        found, apart = await self._by_room(list(spans), stages, hint=LOG_MESSAGES)
        for room_id in apart:
            after, upto = spans[room_id]
            bounds = {"$gt": after, "$lte": upto}
            look = history(viewer_id, room_id, bounds, -1, limit)
            found[room_id] = await self._states([room_id], look, hint=LOG_MESSAGES)
        return {
            room_id: sorted(states, key=lambda one: one.seq)[-limit:]
            for room_id, states in found.items()
        }

    @within_deadline
    async def changed(
        self, viewer_id: UserId, spans: Mapping[RoomId, ChangedSpan], *, limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        found: dict[RoomId, list[MessageState]] = {}
        for some in batches(list(spans), MAX_SPANS):
            found |= await self._changed(viewer_id, {one: spans[one] for one in some}, limit)
        return found

    async def _changed(
        self, viewer_id: UserId, spans: Mapping[RoomId, ChangedSpan], limit: int
    ) -> dict[RoomId, list[MessageState]]:
        """Many rooms in one command; one of those with hidden changes in a command of its own."""
        looks = [changed(room_id, span, limit) for room_id, span in spans.items()]
        stages = [
            *joined(looks),
            and_also(with_hidden_changes(list(spans))),
            and_also(with_hidden(viewer_id, list(spans))),
        ]
        found, apart = await self._by_room(list(spans), stages, hint=LOG_CHANGED)
        for room_id in apart:
            found[room_id] = await self._changed_partly(viewer_id, room_id, spans[room_id], limit)
        return found

    async def _changed_partly(
        self, viewer_id: UserId, room_id: RoomId, span: ChangedSpan, limit: int
    ) -> list[MessageState]:
        what = (viewer_id, room_id, span, limit)
        stages = joined([changed(*what[1:]), partly_hidden(*what), changed_hidden(*what)])
        found = await self._states([room_id], stages, hint=LOG_CHANGED)
        return sorted(found, key=lambda state: latest_seen(state, viewer_id))[:limit]

    @within_deadline
    async def unread(
        self, viewer_id: UserId, spans: Mapping[RoomId, tuple[Seq, Rev]], *, limit: int
    ) -> Mapping[RoomId, int]:
        def counting(room_id: RoomId, limit: int) -> Stages:
            return unread(viewer_id, room_id, *spans[room_id], limit)

        rooms = [room_id for room_id, (after, upto) in spans.items() if after < upto]
        found = await self._count([counting(room_id, limit) for room_id in rooms], LOG_MESSAGES)
        less = await self._count(
            [uncounted(viewer_id, room_id, *spans[room_id]) for room_id in found], LOG_UNCOUNTED
        )
        cut = [(room_id, limit + some) for room_id, some in less.items() if found[room_id] == limit]
        found |= await self._count([counting(*one) for one in cut], LOG_MESSAGES)
        return {room_id: found.get(room_id, 0) - less.get(room_id, 0) for room_id in spans}

    async def _count(self, counting: Sequence[Stages], hint: str) -> dict[RoomId, int]:
        """What the stages for each room count, many rooms in one command; without the zeros."""
        counts: dict[RoomId, int] = {}
        for some in batches(counting, MAX_SPANS):
            cursor = await self._database.majority.log.aggregate(joined(some), hint=hint)
            counts.update({found["_id"]: found["count"] async for found in cursor})
        return counts

    async def _insert(self, entries: Sequence[Entry]) -> Appended:
        """Insert in order up to the first clash."""
        documents = [entry_document(entry) for entry in entries]
        if len(documents) == 1:
            failure = await self._group_commit.insert(documents[0])
            return await self._clashed(entries, 0, failure) if failure else Appended(count=1)
        try:
            await self._database.majority.log.insert_many(documents)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if error.details["writeConcernErrors"] or failures[0]["code"] != DUPLICATE_KEY:
                raise
            return await self._clashed(entries, failures[0]["index"], failures[0])
        return Appended(count=len(entries))

    async def _clashed(
        self, entries: Sequence[Entry], count: int, failure: Mapping[str, Any]
    ) -> Appended:
        """What stopped a batch, once a majority has it: until then a failover may undo it."""
        entry = entries[count]
        is_retry = "client_id" in failure["keyPattern"]
        taken: Document = {"_id": entry_id(entry.room_id, entry.rev)}
        if is_retry:
            taken = {
                "room_id": entry.room_id,
                "actor_id": entry.actor_id,
                "client_id": entry.client_id,
            }
        if await self._database.majority.log.find_one(taken, {"_id": 1}) is None:
            raise Unavailable
        return Appended(count=count, clash="client_id" if is_retry else "rev")

    async def _states(
        self, room_ids: Sequence[RoomId], stages: Stages, *, hint: str
    ) -> list[MessageState]:
        now = self._clock()
        found = await self._read(room_ids, stages, hint=hint)
        return [as_of(state_of(document), now) for document in found]

    async def _by_room(
        self, room_ids: Sequence[RoomId], stages: Stages, *, hint: str
    ) -> tuple[dict[RoomId, list[MessageState]], set[RoomId]]:
        """The messages that stages find, and the rooms in which there is more for the viewer."""
        found: dict[RoomId, list[MessageState]] = {room_id: [] for room_id in room_ids}
        apart: set[RoomId] = set()
        now = self._clock()
        for document in await self._read(room_ids, stages, hint=hint):
            if room_id := document.get("partly_hidden") or document.get("with_hidden"):
                apart.add(room_id)
            else:
                found[document["room_id"]].append(as_of(state_of(document), now))
        return found, apart

    async def _read(
        self, room_ids: Sequence[RoomId], stages: Stages, *, hint: str
    ) -> list[Document]:
        """What ``stages`` find of messages, once what was pending by then is projected."""
        log = self._database.snapshot.log
        stages = [*stages, {"$unset": ["words", "hidden_words"]}]
        both = [*stages, and_also(pending_in("message", room_ids))]
        found = await (await log.aggregate(both, hint=hint, batchSize=ONE_BATCH)).to_list()
        if pending := [one["pending"] for one in found if "pending" in one]:
            await self._projection.finish("message", pending)
            found = await (await log.aggregate(stages, hint=hint, batchSize=ONE_BATCH)).to_list()
        return found
