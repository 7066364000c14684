"""What a change does to its message, as an update that the server makes in one step.

The same rules as ``domain.message_state.project``: the highest edit wins, over it the highest
that is not hidden is the veil, each person's emoji takes its highest change, a deletion is
final. So updates may come late, twice, in any order.
"""

from datetime import datetime
from typing import Any

from pymongo import UpdateMany, UpdateOne

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.log_documents import DONE, entry_id
from whatchat.adapters.mongo.log_queries import latest_seen_by
from whatchat.domain.log import (
    Entry,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    ReactionChanged,
)
from whatchat.domain.message_state import is_hidden
from whatchat.domain.ports.retention_store import Undelivered
from whatchat.domain.words import words_of

Update = UpdateOne | UpdateMany
Stages = list[dict[str, Any]]
Expression = dict[str, Any]

_IS_DELETED = {"$gt": ["$message.deleted_at", None]}
_IS_GIVEN_UP = {"$gt": ["$message.erased_at", None]}
_HAS_VEIL = {"$gt": ["$message.veil", None]}
_HAS_HIDDEN = {"$gt": ["$message.open_rev", None]}
_IS_HIDDEN = {"$gt": ["$hidden_in", None]}


def updates_for(entry: Entry) -> list[Update]:
    """The updates that project ``entry`` onto its message, in order."""
    match entry.change:
        case MessageEdited() as edited:
            return [_on_message(entry, edited.seq, _edit(entry, edited))]
        case ReactionChanged() as reacted:
            return [_on_message(entry, reacted.seq, _react(entry, reacted))]
        case MessageDeleted(seq=seq) | MessageExpired(seq=seq):
            is_over = isinstance(entry.change, MessageExpired)
            at = {"$ifNull": ["$expires_at", entry.at]} if is_over else entry.at
            return [
                _on_message(entry, seq, _delete(at)),
                UpdateMany({"room_id": entry.room_id, "target": seq}, _erase()),
            ]
        case _:
            return []


def given_up(message: Undelivered, at: datetime) -> list[Update]:
    """The updates that empty a message whose content is still what it was.

    An edit that is not projected yet keeps what it brings.
    """
    own = {
        "_id": entry_id(message.room_id, message.seq),
        "undelivered": True,
        "message.content_rev": message.content_rev,
    }
    veil = {"$cond": [_HAS_VEIL, {"$mergeObjects": ["$message.veil", {"content": ""}]}, "$$REMOVE"]}
    emptied = {
        "digest": b"",
        "message.content": "",
        "message.veil": veil,
        "message.erased_at": at,
    }
    changes = {"room_id": message.room_id, "target": message.seq, "projection": DONE}
    return [
        UpdateMany(changes, {"$set": {"digest": b""}}),
        UpdateOne(own, [{"$set": emptied}, {"$unset": ["undelivered", "words", "hidden_words"]}]),
    ]


def projected(entry: Entry) -> UpdateOne:
    """The update that notes that ``entry`` is projected; an edit loses its body with it."""
    noted: Document = {"projection": DONE}
    if isinstance(entry.change, MessageEdited):
        noted["change.content"] = ""
    cleared = {"$set": noted, "$unset": {"pending": "", "concerned": ""}}
    return UpdateOne({"_id": entry_id(entry.room_id, entry.rev)}, cleared)


def _on_message(entry: Entry, seq: int, stages: Stages) -> UpdateOne:
    latest = {"message.rev": {"$max": ["$message.rev", entry.rev]}}
    if is_hidden(entry.change):
        latest |= _after_hidden(entry)
    else:
        newest = {"$max": ["$message.open_rev", entry.rev]}
        latest["message.open_rev"] = {"$cond": [_HAS_HIDDEN, newest, "$$REMOVE"]}
    update = [_uncovered(), *stages, {"$set": latest}, _covered()]
    return UpdateOne({"_id": entry_id(entry.room_id, seq)}, update)


def _uncovered() -> dict[str, Any]:
    """Have a message that its sender alone sees look like any other, as long as it changes."""
    return {
        "$set": {
            "words": {"$ifNull": ["$hidden_words", "$words"]},
            "message.rev": {"$ifNull": ["$message.hidden.rev", "$message.rev"]},
            "message.open_rev": {"$ifNull": ["$message.hidden.open_rev", "$message.open_rev"]},
        }
    }


def _covered() -> dict[str, Any]:
    """Have it where its sender alone looks again."""

    def hidden(value: object) -> Expression:
        return {"$cond": [_IS_HIDDEN, value, "$$REMOVE"]}

    def shown(value: object) -> Expression:
        return {"$cond": [_IS_HIDDEN, "$$REMOVE", value]}

    return {
        "$set": {
            "words": shown("$words"),
            "hidden_words": hidden("$words"),
            "hidden_rev": hidden(latest_seen_by("$actor_id")),
            "message.rev": shown("$message.rev"),
            "message.open_rev": shown("$message.open_rev"),
            "message.hidden": hidden({"rev": "$message.rev", "open_rev": "$message.open_rev"}),
        }
    }


def _after_hidden(entry: Entry) -> dict[str, Any]:
    """What tells the latest change that is not hidden from those that are."""
    known = {"$ifNull": ["$message.hidden_changes", []]}
    is_own = {"$eq": ["$$one.user_id", {"$literal": entry.actor_id}]}
    own = {"$filter": {"input": known, "as": "one", "cond": is_own}}
    revs = {"$map": {"input": own, "as": "one", "in": "$$one.rev"}}
    latest = {"$max": {"$concatArrays": [revs, [entry.rev]]}}
    others = {"$filter": {"input": known, "as": "one", "cond": {"$not": is_own}}}
    new = {"user_id": {"$literal": entry.actor_id}, "rev": latest}
    return {
        "message.open_rev": {"$ifNull": ["$message.open_rev", "$message.rev"]},
        "message.hidden_changes": {"$concatArrays": [others, [new]]},
    }


def _edit(entry: Entry, change: MessageEdited) -> Stages:
    wins = {"$and": [{"$not": _IS_DELETED}, {"$gt": [entry.rev, "$message.content_rev"]}]}
    new = {
        "content": {"$literal": change.content},
        "content_rev": entry.rev,
        "edited_at": entry.at,
    }
    veil = _veiled(wins) if change.hidden else _unveiled(wins, new)
    edited = {"$mergeObjects": ["$message", new, {"erased_at": None}]}
    return [
        {
            "$set": {
                "message.veil": veil,
                "words": _words(change, wins),
                "undelivered": {"$cond": [{"$and": [wins, _IS_GIVEN_UP]}, True, "$undelivered"]},
            }
        },
        {"$set": {"message": {"$cond": [wins, edited, "$message"]}}},
    ]


def _veiled(wins: dict[str, Any]) -> dict[str, Any]:
    """The veil after a hidden edit: what it replaces, unless that has one."""
    fields = ("content", "content_rev", "edited_at")
    replaced = {field: f"$message.{field}" for field in fields}
    return {"$cond": [wins, {"$ifNull": ["$message.veil", replaced]}, "$message.veil"]}


def _unveiled(wins: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The veil after any other edit: none if that wins, else the later of the two."""
    is_later = {"$lt": ["$message.veil.content_rev", new["content_rev"]]}
    later = {"$cond": [is_later, new, "$message.veil"]}
    return {"$cond": [{"$or": [wins, {"$not": _HAS_VEIL}]}, "$$REMOVE", later]}


def _words(change: MessageEdited, wins: Expression) -> Expression:
    """By which words the message is found: those of what its sender sees and of what others do.

    While these differ, words of earlier ones may be left over; the next open edit ends it.
    """
    words = words_of(change.content)
    new = {"$literal": words} if words else "$$REMOVE"
    more = {"$setUnion": [{"$ifNull": ["$words", []]}, {"$literal": words}]}
    if change.hidden:
        return {"$cond": [wins, more, "$words"]}
    return {"$cond": [wins, new, {"$cond": [_HAS_VEIL, more, "$words"]}]}


def _delete(at: object) -> Stages:
    fields = ("edited_at", "reactions", "veil", "erased_at")
    return [
        {
            "$unset": [
                "expiring_at",
                "undelivered",
                "words",
                *(f"message.{field}" for field in fields),
            ]
        },
        {
            "$set": {
                "digest": b"",
                "message.content": "",
                "message.content_rev": 0,
                "message.deleted_at": {"$min": ["$message.deleted_at", at]},
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
    if change.hidden:
        new["hidden"] = True
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
