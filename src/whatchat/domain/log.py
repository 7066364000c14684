"""The room log: every change in a room is one entry, ``(room_id, rev)`` unique for ever."""

from datetime import datetime

from msgspec import Struct

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import MessageType, Role, RoomKind, RoomSettings


class Change(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what an entry can record."""


class MessagePosted(Change, frozen=True, kw_only=True, tag="posted"):
    """A new message; its ``seq`` is the entry's ``rev``."""

    message_type: MessageType
    content: str
    reply_to: Seq | None = None


class MessageEdited(Change, frozen=True, kw_only=True, tag="edited"):
    """New content for message ``seq``; the body is dropped from the log once projected."""

    seq: Seq
    content: str = ""


class MessageDeleted(Change, frozen=True, kw_only=True, tag="deleted"):
    """The erasure of message ``seq``, which keeps its place as a tombstone."""

    seq: Seq


class ReactionChanged(Change, frozen=True, kw_only=True, tag="reacted"):
    """The actor's ``emoji`` on message ``seq`` is now there, or no longer."""

    seq: Seq
    emoji: str
    present: bool


class RoomCreated(Change, frozen=True, kw_only=True, tag="created"):
    """A room's first entry; the actor comes first among ``members`` and is a group's admin."""

    room_kind: RoomKind
    name: str
    description: str
    settings: RoomSettings
    members: tuple[UserId, ...]


class MembersAdded(Change, frozen=True, kw_only=True, tag="added"):
    """People who came in; an actor among them joined by itself."""

    user_ids: tuple[UserId, ...]


class MemberRemoved(Change, frozen=True, kw_only=True, tag="removed"):
    """Somebody who is out; the actor itself when it left."""

    user_id: UserId


class RoleChanged(Change, frozen=True, kw_only=True, tag="role"):
    """A member's new role."""

    user_id: UserId
    role: Role


class RoomUpdated(Change, frozen=True, kw_only=True, tag="updated"):
    """What the room is called and how it behaves from here on; ``None`` leaves as it is."""

    name: str | None = None
    description: str | None = None
    settings: RoomSettings | None = None


MessageChange = MessagePosted | MessageEdited | MessageDeleted | ReactionChanged
MembershipChange = RoomCreated | MembersAdded | MemberRemoved | RoleChanged | RoomUpdated
AnyChange = MessageChange | MembershipChange


class Entry(Struct, frozen=True, kw_only=True):
    """One change of a room.

    ``client_id`` is unique per actor in the room; ``digest`` is the keyed digest of the
    command's body by which an exact retry is told from a conflict, empty once erased;
    ``at`` is the pod's time.
    """

    room_id: RoomId
    rev: Rev
    actor_id: UserId
    client_id: ClientId
    digest: bytes
    at: datetime
    pod: str
    change: AnyChange


def target_of(change: AnyChange) -> Seq | None:
    """The message that a change alters, if it alters one that was there before."""
    match change:
        case MessageEdited(seq=seq) | MessageDeleted(seq=seq) | ReactionChanged(seq=seq):
            return seq
        case _:
            return None


def subject_of(entry: Entry) -> Seq:
    """The message that an entry is about; 0 if it is about the room."""
    if isinstance(entry.change, MessagePosted):
        return Seq(entry.rev)
    return target_of(entry.change) or Seq(0)
