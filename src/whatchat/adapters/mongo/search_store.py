"""Messages by their words in MongoDB."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.indexes import LOG_WORDS
from whatchat.adapters.mongo.log_queries import Stages, and_also, pending_in
from whatchat.adapters.mongo.projection import Projection
from whatchat.domain.batches import batches
from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.ports.search_store import Candidates, MessagePosition

MAX_ROOMS_MERGED: Final = 100
"""In one stage, which walks through the index in as many places; the server's most is 200."""

MAX_ROOMS: Final = 1_000
MAX_EXAMINED: Final = 500

_AFTER_ALL: Final = RoomId("~")
_PLACE: Final = {"at": "$at", "seq": "$rev", "room_id": "$room_id"}


class _Examined(NamedTuple):
    """What a stage looked at: what has all words, and above what it has seen everything."""

    found: list[MessagePosition]
    floor: MessagePosition | None


class MongoSearchStore:
    """Implements ``SearchStore``: the server merges what the index has of each room."""

    def __init__(self, database: MongoDatabase, projection: Projection) -> None:
        self._database = database
        self._projection = projection

    @within_deadline
    async def candidates(
        self,
        words: Sequence[str],
        first: Mapping[RoomId, Seq],
        *,
        viewer_id: UserId,
        before: MessagePosition | None,
        limit: int,
    ) -> Candidates:
        examined: list[_Examined] = []
        for room_ids in batches(list(first), MAX_ROOMS):
            examined += await self._examined(words, room_ids, viewer_id, before, limit)
        floor = max((one.floor for one in examined if one.floor), default=None)
        found = sorted(chain.from_iterable(one.found for one in examined), reverse=True)
        if floor:
            found = [one for one in found if one > floor]
        if len(found) > limit:
            floor = found[limit - 1]
        return Candidates(
            keys=tuple(
                (one.room_id, one.seq) for one in found[:limit] if one.seq >= first[one.room_id]
            ),
            next=floor,
        )

    async def _examined(
        self,
        words: Sequence[str],
        room_ids: Sequence[RoomId],
        viewer_id: UserId,
        before: MessagePosition | None,
        limit: int,
    ) -> Iterable[_Examined]:
        looks = [_look(words, some, before, limit) for some in batches(room_ids, MAX_ROOMS_MERGED)]
        looks.append(_look(words, room_ids, before, limit, hidden_from_all_but=viewer_id))
        stages = [*looks[0], *map(and_also, looks[1:])]
        asked = [*stages, and_also(pending_in("message", room_ids))]
        found = await self._ask(asked)
        if pending := [one["pending"] for one in found if "pending" in one]:
            await self._projection.finish("message", pending)
            found = await self._ask(stages)
        return map(_examined_of, found)

    async def _ask(self, stages: Stages) -> list[Document]:
        log = self._database.snapshot.log
        return await (await log.aggregate(stages, hint=LOG_WORDS)).to_list()


def _look(
    words: Sequence[str],
    room_ids: Sequence[RoomId],
    before: MessagePosition | None,
    limit: int,
    hidden_from_all_but: UserId | None = None,
) -> Stages:
    """``{count, most, last, found}`` of those with the longest of ``words``.

    That word is taken to be the rarest; ``found`` are those with the others as well. Of those
    that everybody sees, or of those that one person alone does.
    """
    longest, *others = sorted(words, key=len, reverse=True)
    key, seq = "words", "seq"
    match: Document = {"words": longest, "room_id": {"$in": room_ids}}
    conditions: list[dict[str, Any]] = []
    if hidden_from_all_but:
        key, seq = "hidden_words", "rev"
        match = {"hidden_words": longest, "actor_id": hidden_from_all_but}
        # Not for the planner, to whom so many rooms are as many ways to go.
        conditions.append({"$in": ["$room_id", {"$literal": room_ids}]})
    if before:
        place = [before.at, before.seq, before.room_id]
        match["at"] = {"$lte": before.at}
        conditions.append({"$lt": [["$at", f"${seq}", "$room_id"], {"$literal": place}]})
    if conditions:
        match["$expr"] = {"$and": conditions}
    # Rooms share times: what is cut off at the end is seen from its beginning by the next.
    most = len(room_ids) + (max(limit, MAX_EXAMINED) if others else limit)
    return [
        {"$match": match},
        {"$sort": {"at": -1, seq: -1}},
        {"$limit": most},
        {
            "$group": {
                "_id": None,
                "count": {"$sum": 1},
                "last": {"$last": _PLACE},
                "found": {"$push": _place_if_all(others, f"${key}")},
            }
        },
        {"$set": {"most": most}},
    ]


def _place_if_all(words: Sequence[str], key: str) -> dict[str, Any]:
    if not words:
        return _PLACE
    return {"$cond": [{"$setIsSubset": [{"$literal": words}, key]}, _PLACE, "$$REMOVE"]}


def _examined_of(document: Document) -> _Examined:
    floor = None
    if document["count"] == document["most"]:
        floor = MessagePosition(**(document["last"] | {"room_id": _AFTER_ALL}))
    return _Examined([MessagePosition(**place) for place in document["found"]], floor)
