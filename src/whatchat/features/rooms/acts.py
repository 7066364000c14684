"""What the audit log says of a room's changes."""

from collections.abc import Sequence

from whatchat.domain.audit import Act, Kind
from whatchat.domain.ids import UserId
from whatchat.domain.log import (
    Entry,
    MemberRemoved,
    MembersAdded,
    RoleChanged,
    RoomCreated,
    RoomUpdated,
)


def acts_of(entry: Entry) -> Sequence[Act]:
    """An act for each person concerned; none for what is said in a room."""
    room_id, actor_id = entry.room_id, entry.actor_id
    match entry.change:
        case RoomCreated() as change:
            return _created(entry, change)
        case MembersAdded(user_ids=user_ids):
            return [
                Act(kind="room.joined", room_id=room_id)
                if one == actor_id
                else Act(kind="member.added", room_id=room_id, user_id=one)
                for one in user_ids
            ]
        case MemberRemoved(user_id=user_id) if user_id == actor_id:
            return [Act(kind="room.left", room_id=room_id)]
        case MemberRemoved(user_id=user_id):
            return [Act(kind="member.removed", room_id=room_id, user_id=user_id)]
        case RoleChanged(user_id=user_id, role=role):
            kind: Kind = "admin.granted" if role == "admin" else "admin.revoked"
            return [Act(kind=kind, room_id=room_id, user_id=user_id)]
        case RoomUpdated() as change:
            return [Act(kind="room.updated", room_id=room_id, detail=_fields(change))]
    return []


def _created(entry: Entry, change: RoomCreated) -> Sequence[Act]:
    """A direct room's act names the other person; a group's is followed by those brought in."""
    others: Sequence[UserId] = [one for one in change.members if one != entry.actor_id]
    room_id, kind = entry.room_id, change.room_kind
    if kind == "direct":
        return [Act(kind="room.created", room_id=room_id, user_id=others[0], detail=kind)]
    added = [Act(kind="member.added", room_id=room_id, user_id=one) for one in others]
    return [Act(kind="room.created", room_id=room_id, detail=kind), *added]


def _fields(change: RoomUpdated) -> str:
    """What was changed, not to what."""
    names = ("name", "description", "settings")
    return ",".join(one for one in names if getattr(change, one) is not None)
