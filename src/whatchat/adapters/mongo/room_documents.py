"""How rooms and their people lie in the collections ``rooms`` and ``members``.

A room's document has what changes of the room made of it. What every entry moves, its head
and its newest message, is read from the log.
"""

from datetime import datetime
from functools import lru_cache

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
        settings=_settings(tuple(document["settings"].items())),
        created_by=document["created_by"],
        created_at=document["created_at"],
        rev=head,
        changed_rev=document["changed_rev"],
        participant_count=document["participant_count"],
        last_activity=last_activity or document["created_at"],
        last_message_seq=last_message_seq,
    )


@lru_cache(maxsize=1_000)
def _settings(fields: tuple[tuple[str, object], ...]) -> RoomSettings:
    """Rooms have few different settings: whoever reads a thousand converts each kind once."""
    return convert(dict(fields), RoomSettings)


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
        shown_delivered_seq=document.get("shown_delivered_seq", Seq(0)),
        shown_read_seq=document.get("shown_read_seq", Seq(0)),
        concealed=document.get("concealed", False),
    )


def first_places(entry: Entry) -> list[Document]:
    """The places of those with whom ``entry`` opens a room; of any other entry, none."""
    if not isinstance(entry.change, RoomCreated):
        return []
    return [_joined_place(entry, member) for member in members_after({}, entry).values()]


def member_updates(entry: Entry) -> list[UpdateOne]:
    """The updates that project ``entry`` onto its people's places, harmless when repeated late.

    The place of somebody who is out stays with its rev: no late update brings them back.
    """
    match entry.change:
        case RoomCreated() | MembersAdded():
            members = members_after({}, entry).values()
            return [_replaced(entry, _joined_place(entry, member)) for member in members]
        case MemberRemoved(user_id=user_id):
            return [_replaced(entry, _place(entry, user_id))]
        case RoleChanged(user_id=user_id, role=role):
            own = {"_id": member_id(entry.room_id, user_id), "rev": {"$lt": entry.rev}}
            return [UpdateOne(own, {"$set": {"role": role, "rev": entry.rev}})]
        case _:
            return []


def _place(entry: Entry, user_id: UserId) -> Document:
    return {
        "_id": member_id(entry.room_id, user_id),
        "room_id": entry.room_id,
        "user_id": user_id,
        "rev": entry.rev,
    }


def _joined_place(entry: Entry, member: Member) -> Document:
    place = {
        **_place(entry, member.user_id),
        "role": member.role,
        "joined_seq": member.joined_seq,
        "delivered_seq": 0,
        "read_seq": 0,
    }
    return place | {"concealed": True} if member.concealed else place


def _replaced(entry: Entry, place: Document) -> UpdateOne:
    is_newer = {"$gte": ["$rev", entry.rev]}
    stages = [{"$replaceWith": {"$cond": [is_newer, "$$ROOT", {"$literal": place}]}}]
    return UpdateOne({"_id": place["_id"]}, stages, upsert=True)
