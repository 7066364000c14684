"""What a change does to its message, as an update that the server makes in one step.

The same rules as ``domain.message_state.project``: the highest edit wins, each person's emoji
takes its highest change, a deletion is final. So updates may come late, twice, in any order.
"""

from typing import Any

from pymongo import UpdateMany, UpdateOne

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.log_documents import DONE, entry_id
from whatchat.domain.log import (
    Entry,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    ReactionChanged,
)

Update = UpdateOne | UpdateMany
Stages = list[dict[str, Any]]

_IS_DELETED = {"$gt": ["$message.deleted_at", None]}


def updates_for(entry: Entry) -> list[Update]:
    """The updates that project ``entry`` onto its message, in order."""
    match entry.change:
        case MessageEdited() as edited:
            return [_on_message(entry, edited.seq, _edit(entry, edited))]
        case ReactionChanged() as reacted:
            return [_on_message(entry, reacted.seq, _react(entry, reacted))]
        case MessageDeleted(seq=seq) | MessageExpired(seq=seq):
            return [
                _on_message(entry, seq, _delete(entry)),
                UpdateMany({"room_id": entry.room_id, "target": seq}, _erase()),
            ]
        case _:
            return []


def projected(entry: Entry) -> UpdateOne:
    """The update that notes that ``entry`` is projected; an edit loses its body with it."""
    noted: Document = {"projection": DONE}
    if isinstance(entry.change, MessageEdited):
        noted["change.content"] = ""
    cleared = {"$set": noted, "$unset": {"pending": "", "concerned": ""}}
    return UpdateOne({"_id": entry_id(entry.room_id, entry.rev)}, cleared)


def _on_message(entry: Entry, seq: int, stages: Stages) -> UpdateOne:
    latest = {"$set": {"message.rev": {"$max": ["$message.rev", entry.rev]}}}
    return UpdateOne({"_id": entry_id(entry.room_id, seq)}, [*stages, latest])


def _edit(entry: Entry, change: MessageEdited) -> Stages:
    wins = {"$and": [{"$not": _IS_DELETED}, {"$gt": [entry.rev, "$message.content_rev"]}]}
    new = {
        "content": {"$literal": change.content},
        "content_rev": entry.rev,
        "edited_at": entry.at,
    }
    edited = {"$mergeObjects": ["$message", new]}
    return [{"$set": {"message": {"$cond": [wins, edited, "$message"]}}}]


def _delete(entry: Entry) -> Stages:
    return [
        {"$unset": ["message.edited_at", "message.reactions"]},
        {
            "$set": {
                "digest": b"",
                "message.content": "",
                "message.content_rev": 0,
                "message.deleted_at": {"$min": ["$message.deleted_at", entry.at]},
            }
        },
    ]


def _erase() -> Stages:
    """What a message's changes lose with it: their digests, and the bodies of its edits."""
    is_edit = {"$eq": ["$change.kind", "edited"]}
    return [{"$set": {"digest": b"", "change.content": {"$cond": [is_edit, "", "$$REMOVE"]}}}]


def _react(entry: Entry, change: ReactionChanged) -> Stages:
    marks = {"$ifNull": ["$message.reactions", []]}
    is_same = {
        "$and": [
            {"$eq": ["$$mark.emoji", {"$literal": change.emoji}]},
            {"$eq": ["$$mark.user_id", {"$literal": entry.actor_id}]},
        ]
    }
    stays = {"$or": [{"$not": is_same}, {"$gte": ["$$mark.rev", entry.rev]}]}
    others = {"$filter": {"input": marks, "as": "mark", "cond": stays}}
    newer = {"$filter": {"input": "$$others", "as": "mark", "cond": is_same}}
    new = {
        "emoji": {"$literal": change.emoji},
        "user_id": {"$literal": entry.actor_id},
        "rev": entry.rev,
        "present": change.present,
    }
    marked = {
        "$let": {
            "vars": {"others": others},
            "in": {
                "$cond": [
                    {"$gt": [{"$size": newer}, 0]},
                    "$$others",
                    {"$concatArrays": ["$$others", [new]]},
                ]
            },
        }
    }
    return [{"$set": {"message.reactions": {"$cond": [_IS_DELETED, "$$REMOVE", marked]}}}]
