"""Questions to the log, as stages of an aggregation that can be joined into one command."""

from collections.abc import Sequence
from typing import Any

from whatchat.adapters.mongo.log_documents import Pending, hidden_in
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.ports.message_store import ChangedSpan

Stages = list[dict[str, Any]]
Bounds = dict[str, int]


def and_also(stages: Stages, collection: str = "log") -> dict[str, Any]:
    """The stage that adds what other ``stages`` find, at the same moment."""
    return {"$unionWith": {"coll": collection, "pipeline": stages}}


def joined(looks: Sequence[Stages]) -> Stages:
    """What each of ``looks`` finds, one after the other, at the same moment."""
    return [*looks[0], *map(and_also, looks[1:])]


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


def newest_hidden(places: Sequence[tuple[RoomId, UserId]]) -> Stages:
    """``{hidden: {_id, seq, at}}`` of each sender in a room who has messages that no other sees."""
    return [
        {"$match": {"hidden_in": {"$in": [hidden_in(*place) for place in places]}}},
        {"$sort": {"hidden_in": -1, "rev": -1}},
        {"$group": {"_id": "$hidden_in", "seq": {"$first": "$rev"}, "at": {"$first": "$at"}}},
        {"$project": {"_id": 0, "hidden": "$$ROOT"}},
    ]


def with_hidden(viewer_id: UserId, room_ids: Sequence[RoomId]) -> Stages:
    """``{with_hidden: {_id}}`` for each room with messages that the viewer alone sees."""
    return [
        {"$match": {"hidden_in": {"$in": [hidden_in(one, viewer_id) for one in room_ids]}}},
        {"$sort": {"hidden_in": -1, "rev": -1}},
        {"$group": {"_id": "$hidden_in", "room_id": {"$first": "$room_id"}}},
        {"$project": {"_id": 0, "with_hidden": "$room_id"}},
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


def history(viewer_id: UserId, room_id: RoomId, bounds: Bounds, step: int, limit: int) -> Stages:
    """The first messages within bounds, with those that the viewer alone sees after the others.

    Each kind in the direction of ``step``, to ``limit``.
    """
    alone = {"hidden_in": hidden_in(room_id, viewer_id), "rev": bounds}
    return [
        {"$match": {"room_id": room_id, "seq": bounds}},
        {"$sort": {"seq": step}},
        {"$limit": limit},
        and_also([{"$match": alone}, {"$sort": {"rev": step}}, {"$limit": limit}]),
    ]


def latest(room_id: RoomId, after: Seq, upto: Rev, limit: int) -> Stages:
    """The latest messages that everybody sees, from the latest on."""
    match = {"room_id": room_id, "seq": {"$gt": after, "$lte": upto}}
    return [{"$match": match}, {"$sort": {"seq": -1}}, {"$limit": limit}]


def changed(room_id: RoomId, span: ChangedSpan, limit: int) -> Stages:
    """The first messages in a span, by ``message.rev``, of those that everybody sees alike."""
    return [
        {
            "$match": {
                "room_id": room_id,
                "message.rev": {"$gt": span.after, "$lte": span.upto},
                "message.open_rev": None,
                "seq": {"$gte": span.first},
            }
        },
        {"$sort": {"message.rev": 1}},
        {"$limit": limit},
    ]


def changed_hidden(viewer_id: UserId, room_id: RoomId, span: ChangedSpan, limit: int) -> Stages:
    """The first messages in a span that the viewer alone sees, by the latest that it sees."""
    return [
        {
            "$match": {
                "hidden_in": hidden_in(room_id, viewer_id),
                "hidden_rev": {"$gt": span.after, "$lte": span.upto},
                "rev": {"$gte": span.first},
            }
        },
        {"$sort": {"hidden_rev": 1}},
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
    revs = {"$gt": span.after, "$lte": span.upto}
    return [
        {"$match": {"room_id": room_id, "message.open_rev": {"$gt": 0}}},
        {"$set": {"latest": latest_seen_by({"$literal": viewer_id})}},
        {"$match": {"latest": revs, "seq": {"$gte": span.first}}},
        {"$sort": {"latest": 1}},
        {"$limit": limit},
    ]


def latest_seen_by(viewer: object) -> dict[str, Any]:
    """The rev of a message's latest change that a person sees, who is an expression."""
    own = {
        "$filter": {
            "input": {"$ifNull": ["$message.hidden_changes", []]},
            "as": "one",
            "cond": {"$eq": ["$$one.user_id", viewer]},
        }
    }
    own_revs = {"$map": {"input": own, "as": "one", "in": "$$one.rev"}}
    everybody = {"$ifNull": ["$message.open_rev", "$message.rev"]}
    return {"$max": {"$concatArrays": [[everybody], own_revs]}}


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
