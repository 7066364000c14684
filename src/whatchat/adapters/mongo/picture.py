"""Rooms as one command finds them: at one moment, and with nothing left to project."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.indexes import LOG_ORDER
from whatchat.adapters.mongo.log_documents import hidden_in
from whatchat.adapters.mongo.log_queries import Stages, and_also, heads, newest, pending_in
from whatchat.adapters.mongo.projection import Projection
from whatchat.adapters.mongo.room_documents import member_of, record_of
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.room_state import Member, RoomRecord

ONE_BATCH: Final = 20_000


class Picture:
    """What was found, by kind; every document is ``{kind: what it found}``."""

    def __init__(self, found: Iterable[Document]) -> None:
        self.rooms: dict[RoomId, Document] = {}
        self.members: list[Document] = []
        self.pending: set[RoomId] = set()
        self._heads: dict[RoomId, Document] = {}
        self._newest: dict[RoomId, Document] = {}
        self._hidden: dict[str, Document] = {}
        for one in found:
            ((kind, what),) = one.items()
            match kind:
                case "room":
                    self.rooms[what["_id"]] = what
                case "member":
                    self.members.append(what)
                case "head":
                    self._heads[what["_id"]] = what
                case "newest":
                    self._newest[what["_id"]] = what
                case "hidden":
                    self._hidden[what["_id"]] = what
                case _:
                    self.pending.add(what)

    def record(self, room_id: RoomId) -> RoomRecord | None:
        """The room as far as everybody sees it, if there is such a room."""
        room = self.rooms.get(room_id)
        if room is None:
            return None
        message = self._newest.get(room_id, {"seq": Seq(0), "at": None})
        return record_of(room, Rev(self._heads[room_id]["rev"]), message["seq"], message["at"])

    def record_for(self, user_id: UserId, room_id: RoomId) -> RoomRecord | None:
        """The room as one sees it whose hidden messages were looked for: these are its own."""
        record = self.record(room_id)
        own = self._hidden.get(hidden_in(room_id, user_id))
        if record is None or own is None or own["seq"] < record.last_message_seq:
            return record
        return replace(record, last_activity=own["at"], last_message_seq=Seq(own["seq"]))

    def people(self) -> list[Member]:
        """The members found, in the order in which they were found."""
        return [member_of(document) for document in self.members]


class Pictures:
    """Takes pictures; what a dead pod left unprojected is projected before."""

    def __init__(self, database: MongoDatabase, projection: Projection) -> None:
        self._database = database
        self._projection = projection

    async def of_rooms(self, room_ids: Sequence[RoomId], *more: dict[str, Any]) -> Picture:
        """The rooms, each at its head, and what stages ``more`` add."""
        stages = [
            *heads(room_ids),
            and_also(newest(room_ids)),
            and_also(found_rooms({"_id": {"$in": room_ids}}), "rooms"),
            and_also(pending_in("room", room_ids)),
            *more,
        ]
        return await self.of(stages, hint=LOG_ORDER)

    async def of(self, stages: Stages, *, hint: str) -> Picture:
        """What ``stages`` find, on the log to begin with, once nothing is pending."""
        while (picture := await self._take(stages, hint)).pending:
            await self._projection.finish("room", picture.pending)
        return picture

    async def since_now(self, stages: Stages, *, hint: str) -> Picture:
        """What ``stages`` find once all that was pending at the call is projected.

        For what looks far and wide: somewhere something is always pending.
        """
        picture = await self._take(stages, hint)
        if picture.pending:
            await self._projection.finish("room", picture.pending)
            picture = await self._take(stages, hint)
        return picture

    async def _take(self, stages: Stages, hint: str) -> Picture:
        log = self._database.snapshot.log
        cursor = await log.aggregate(stages, hint=hint, batchSize=ONE_BATCH)
        return Picture(await cursor.to_list())


def found_rooms(match: dict[str, Any], *then: dict[str, Any]) -> Stages:
    """Stages on ``rooms``."""
    return [{"$match": match}, *then, {"$project": {"_id": 0, "room": "$$ROOT"}}]


def found_places(match: dict[str, Any]) -> Stages:
    """Stages on ``members``, for those who are in and from whom their room is not concealed."""
    return found_members({**match, "concealed": {"$ne": True}})


def found_members(match: dict[str, Any], *then: dict[str, Any]) -> Stages:
    """Stages on ``members``, for those who are in."""
    present = {"$match": {**match, "joined_seq": {"$gt": 0}}}
    return [present, *then, {"$project": {"_id": 0, "member": "$$ROOT"}}]
