"""The room log: every change in a room is one entry, ``(room_id, rev)`` unique for ever."""

from datetime import datetime

from msgspec import Struct

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import MessageType, Role, RoomKind, RoomSettings


class Change(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what an entry can record."""


class MessagePosted(Change, frozen=True, kw_only=True, tag="posted"):
    """A new message; its ``seq`` is the entry's ``rev``.

    ``hidden``: from everybody but the actor, for ever. Until ``expires_at`` it is there.
    ``deliver_only``: its content goes from the store once every device has it.
    """

    message_type: MessageType
    content: str
    reply_to: Seq | None = None
    hidden: bool = False
    expires_at: datetime | None = None
    deliver_only: bool = False


class MessageEdited(Change, frozen=True, kw_only=True, tag="edited"):
    """New content for message ``seq``; the body is dropped from the log once projected.

    ``hidden``: from everybody but the actor; they keep seeing what was there before.
    """

    seq: Seq
    content: str = ""
    hidden: bool = False


class MessageDeleted(Change, frozen=True, kw_only=True, tag="deleted"):
    """The erasure of message ``seq``, which keeps its place as a tombstone."""

    seq: Seq


class MessageExpired(Change, frozen=True, kw_only=True, tag="expired"):
    """The erasure of message ``seq``, whose time is over; the actor is its sender."""

    seq: Seq


class ReactionChanged(Change, frozen=True, kw_only=True, tag="reacted"):
    """The actor's ``emoji`` on message ``seq`` is now there, or no longer.

    ``hidden``: from everybody but the actor.
    """

    seq: Seq
    emoji: str
    present: bool
    hidden: bool = False


class RoomCreated(Change, frozen=True, kw_only=True, tag="created"):
    """A room's first entry; the actor comes first among ``members`` and is a group's admin.

    ``concealed``: from everybody but the actor, until it is revealed to them.
    """

    room_kind: RoomKind
    name: str
    description: str
    settings: RoomSettings
    members: tuple[UserId, ...]
    concealed: bool = False


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


Erasure = MessageDeleted | MessageExpired
MessageChange = MessagePosted | MessageEdited | Erasure | ReactionChanged
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
        case MessageEdited() | MessageDeleted() | MessageExpired() | ReactionChanged():
            return change.seq
        case _:
            return None


def subject_of(entry: Entry) -> Seq:
    """The message that an entry is about; 0 if it is about the room."""
    if isinstance(entry.change, MessagePosted):
        return Seq(entry.rev)
    return target_of(entry.change) or Seq(0)
