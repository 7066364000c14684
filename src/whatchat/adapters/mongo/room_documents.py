"""How rooms and their people lie in the collections ``rooms`` and ``members``.

A room's document has what changes of the room made of it. What every entry moves, its head
and its newest message, is read from the log.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import convert, to_builtins
from pymongo import UpdateOne

from whatchat.adapters.mongo.collections import Document
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.log import Entry, MemberRemoved, MembersAdded, RoleChanged, RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.room_state import Member, RoomRecord, members_after


def room_document(record: RoomRecord) -> Document:
    """The room without its ``_id`` and without what is read from the log."""
    return {
        "kind": record.kind,
        "name": record.name,
        "name_folded": record.name.casefold(),
        "description": record.description,
        "settings": to_builtins(record.settings),
        "public": record.kind == "group" and not record.settings.is_private,
        "created_by": record.created_by,
        "created_at": record.created_at,
        "changed_rev": record.changed_rev,
        "participant_count": record.participant_count,
    }


def record_of(
    document: Document,
    head: Rev,
    last_message_seq: Seq,
    last_activity: datetime | None,
) -> RoomRecord:
    """The room in a document, at ``head``."""
    return RoomRecord(
        room_id=document["_id"],
        kind=document["kind"],
        name=document["name"],
        description=document["description"],
        settings=convert(document["settings"], RoomSettings),
        created_by=document["created_by"],
        created_at=document["created_at"],
        rev=head,
        changed_rev=document["changed_rev"],
        participant_count=document["participant_count"],
        last_activity=last_activity or document["created_at"],
        last_message_seq=last_message_seq,
    )


def member_id(room_id: RoomId, user_id: UserId) -> str:
    """The ``_id`` of a person's place in a room."""
    return f"{room_id}:{user_id}"


def member_of(document: Document) -> Member:
    """The member in a document."""
    return Member(
        user_id=document["user_id"],
        role=document["role"],
        joined_seq=document["joined_seq"],
        delivered_seq=document["delivered_seq"],
        read_seq=document["read_seq"],
    )


def member_updates(entry: Entry) -> list[UpdateOne]:
    """The updates that project ``entry`` onto its people's places, harmless when repeated late.

    The place of somebody who is out stays with its rev: no late update brings them back.
    """
    match entry.change:
        case RoomCreated() | MembersAdded():
            return _joined(entry, members_after({}, entry).values())
        case MemberRemoved(user_id=user_id):
            return [_replaced(entry, user_id, {})]
        case RoleChanged(user_id=user_id, role=role):
            own = {"_id": member_id(entry.room_id, user_id), "rev": {"$lt": entry.rev}}
            return [UpdateOne(own, {"$set": {"role": role, "rev": entry.rev}})]
        case _:
            return []


def _joined(entry: Entry, members: Iterable[Member]) -> list[UpdateOne]:
    return [
        _replaced(
            entry,
            member.user_id,
            {
                "role": member.role,
                "joined_seq": member.joined_seq,
                "delivered_seq": 0,
                "read_seq": 0,
            },
        )
        for member in members
    ]


def _replaced(entry: Entry, user_id: UserId, place: Document) -> UpdateOne:
    identifier = member_id(entry.room_id, user_id)
    new = {
        "_id": identifier,
        "room_id": entry.room_id,
        "user_id": user_id,
        "rev": entry.rev,
        **place,
    }
    is_newer = {"$gte": ["$rev", entry.rev]}
    stages = [{"$replaceWith": {"$cond": [is_newer, "$$ROOT", {"$literal": new}]}}]
    return UpdateOne({"_id": identifier}, stages, upsert=True)
