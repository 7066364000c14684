"""Questions to the log, as stages of an aggregation that can be joined into one command."""

from collections.abc import Sequence
from typing import Any

from whatchat.adapters.mongo.log_documents import Pending
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.ports.message_store import ChangedSpan

Stages = list[dict[str, Any]]


def and_also(stages: Stages, collection: str = "log") -> dict[str, Any]:
    """The stage that adds what other ``stages`` find, at the same moment."""
    return {"$unionWith": {"coll": collection, "pipeline": stages}}


def heads(room_ids: Sequence[RoomId]) -> Stages:
    """``{head: {_id, rev}}`` of each room: one look into the index for each."""
    return [
        {"$match": {"room_id": {"$in": room_ids}}},
        {"$sort": {"room_id": -1, "rev": -1}},
        {"$group": {"_id": "$room_id", "rev": {"$first": "$rev"}}},
        {"$project": {"_id": 0, "head": "$$ROOT"}},
    ]


def newest(room_ids: Sequence[RoomId]) -> Stages:
    """``{newest: {_id, seq, at}}`` of each room that has messages, in the same way."""
    return [
        {"$match": {"room_id": {"$in": room_ids}, "seq": {"$gt": 0}}},
        {"$sort": {"room_id": -1, "seq": -1}},
        {"$group": {"_id": "$room_id", "seq": {"$first": "$seq"}, "at": {"$first": "$at"}}},
        {"$project": {"_id": 0, "newest": "$$ROOT"}},
    ]


def newest_hidden(room_ids: Sequence[RoomId]) -> Stages:
    """``{hidden: {_id, seq, by}}`` of each room that has messages which their sender alone sees."""
    return [
        {"$match": {"room_id": {"$in": room_ids}, "hidden": True}},
        {"$sort": {"room_id": -1, "seq": -1}},
        {"$group": {"_id": "$room_id", "seq": {"$first": "$seq"}, "by": {"$first": "$actor_id"}}},
        {"$project": {"_id": 0, "hidden": "$$ROOT"}},
    ]


def newest_seen(viewer_id: UserId, room_id: RoomId, before: Seq) -> Stages:
    """``{room_id, viewer_id, seq, at}`` of the newest message before one that a person sees."""
    return [
        {"$match": {"room_id": room_id, "seq": {"$gt": 0, "$lt": before}, **seen(viewer_id)}},
        {"$sort": {"seq": -1}},
        {"$limit": 1},
        {
            "$project": {
                "_id": 0,
                "room_id": 1,
                "viewer_id": {"$literal": viewer_id},
                "seq": 1,
                "at": 1,
            }
        },
    ]


def pending_in(kind: Pending, room_ids: Sequence[RoomId]) -> Stages:
    """``{pending: room_id}`` for each room in which a change of that kind is not projected."""
    return _pending({"room_id": {"$in": room_ids}, "projection": kind})


def pending_for(user_id: UserId) -> Stages:
    """``{pending: room_id}`` for each room in which somebody's place is not projected."""
    return _pending({"concerned": user_id})


def pending_anywhere() -> Stages:
    """``{pending: room_id}`` for each room of which a change is not projected.

    For many people at once: a look for each steps over keys that were removed lately.
    """
    return _pending({"pending": "room"})


def pending_publicly() -> Stages:
    """``{pending: room_id}`` for each room that may be about to enter or leave the directory."""
    return _pending({"pending": "room", "change.kind": {"$in": ["created", "updated"]}})


def _pending(match: dict[str, Any]) -> Stages:
    return [
        {"$match": match},
        {"$group": {"_id": "$room_id"}},
        {"$project": {"_id": 0, "pending": "$_id"}},
    ]


def seen(viewer_id: UserId) -> dict[str, Any]:
    """What matches those messages that are not hidden from a person."""
    return {"$nor": [{"change.hidden": True, "actor_id": {"$ne": viewer_id}}]}


def latest(viewer_id: UserId, room_id: RoomId, after: Seq, upto: Rev, limit: int) -> Stages:
    """The latest messages, from the latest on."""
    match = {"room_id": room_id, "seq": {"$gt": after, "$lte": upto}, **seen(viewer_id)}
    return [{"$match": match}, {"$sort": {"seq": -1}}, {"$limit": limit}]


def changed(viewer_id: UserId, room_id: RoomId, span: ChangedSpan, limit: int) -> Stages:
    """The first messages in a span, by ``message.rev``, of those that everybody sees alike."""
    return [
        {
            "$match": {
                "room_id": room_id,
                "message.rev": {"$gt": span.after, "$lte": span.upto},
                "message.open_rev": None,
                "seq": {"$gte": span.first},
                **seen(viewer_id),
            }
        },
        {"$sort": {"message.rev": 1}},
        {"$limit": limit},
    ]


def with_hidden_changes(room_ids: Sequence[RoomId]) -> Stages:
    """``{partly_hidden: room_id}`` for each room where people see different changes."""
    return [
        {"$match": {"room_id": {"$in": room_ids}, "message.open_rev": {"$gt": 0}}},
        {"$group": {"_id": "$room_id"}},
        {"$project": {"_id": 0, "partly_hidden": "$_id"}},
    ]


def partly_hidden(viewer_id: UserId, room_id: RoomId, span: ChangedSpan, limit: int) -> Stages:
    """The first messages of which people see different changes, by the latest that one sees."""
    own = {
        "$filter": {
            "input": {"$ifNull": ["$message.hidden_changes", []]},
            "as": "one",
            "cond": {"$eq": ["$$one.user_id", {"$literal": viewer_id}]},
        }
    }
    own_revs = {"$map": {"input": own, "as": "one", "in": "$$one.rev"}}
    latest_seen = {"$max": {"$concatArrays": [["$message.open_rev"], own_revs]}}
    revs = {"$gt": span.after, "$lte": span.upto}
    return [
        {"$match": {"room_id": room_id, "message.open_rev": {"$gt": 0}}},
        {"$set": {"latest": latest_seen}},
        {"$match": {"latest": revs, "seq": {"$gte": span.first}}},
        {"$match": seen(viewer_id)},
        {"$sort": {"latest": 1}},
        {"$limit": limit},
    ]


def unread(viewer_id: UserId, room_id: RoomId, after: Seq, upto: Rev, limit: int) -> Stages:
    """``{_id, count}`` of a room's messages by others in ``after < seq <= upto``, to ``limit``.

    Those that do not count among them: :func:`uncounted` is to be taken off.
    """
    span = {"$gt": after, "$lte": upto}
    return [
        {"$match": {"room_id": room_id, "seq": span, "actor_id": {"$ne": viewer_id}}},
        {"$limit": limit},
        {"$group": {"_id": "$room_id", "count": {"$sum": 1}}},
    ]


def uncounted(viewer_id: UserId, room_id: RoomId, after: Seq, upto: Rev) -> Stages:
    """``{_id, count}`` of those of a room's messages by others that are never unread."""
    span = {"$gt": after, "$lte": upto}
    others = {"$ne": viewer_id}
    return [
        {"$match": {"room_id": room_id, "seq": span, "actor_id": others, "uncounted": True}},
        {"$group": {"_id": "$room_id", "count": {"$sum": 1}}},
    ]
