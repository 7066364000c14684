"""What the server tells, read leniently: what is unknown or not understood is passed over."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from whatchat.client.views import Message, Room
from whatchat.domain.contract import Event, RoomEvent
from whatchat.domain.ids import DeviceId, RoomId, Seq, SessionId, UserId
from whatchat.domain.models import View


class MessageEvent(RoomEvent, frozen=True, kw_only=True):
    """Base of what happens to a message, which comes in its current state."""

    message: Message


class MessageSent(MessageEvent, frozen=True, kw_only=True):
    """Somebody said something, oneself included."""

    name: ClassVar[str] = "message:new"


class MessageChanged(MessageEvent, frozen=True, kw_only=True):
    """A message was edited, or reactions to it changed."""

    name: ClassVar[str] = "message:updated"


class MessageErased(MessageEvent, frozen=True, kw_only=True):
    """A message was deleted; ``message`` is the tombstone."""

    name: ClassVar[str] = "message:deleted"


class RoomChange(View, frozen=True, kw_only=True):
    """What was changed about a room."""

    kind: str
    user_ids: tuple[UserId, ...] = ()
    role: str | UnsetType = UNSET


class RoomCreated(RoomEvent, frozen=True, kw_only=True):
    """One is in a room from here on."""

    name: ClassVar[str] = "room:created"
    room: Room
    change: RoomChange | UnsetType = UNSET


class RoomUpdated(RoomEvent, frozen=True, kw_only=True):
    """A room's people or properties changed."""

    name: ClassVar[str] = "room:updated"
    room: Room
    change: RoomChange | UnsetType = UNSET


class RoomRemoved(RoomEvent, frozen=True, kw_only=True):
    """One is no longer in a room."""

    name: ClassVar[str] = "room:removed"
    room: Room | UnsetType = UNSET


class RevTaken(RoomEvent, frozen=True, kw_only=True):
    """Something changed that holds nothing for this user."""

    name: ClassVar[str] = "room:rev"


class RoomReplaced(RoomEvent, frozen=True, kw_only=True):
    """The client's own: what is held of a room is now a snapshot, current at ``rev``."""

    name: ClassVar[str] = "client:room-replaced"


class Received(Event, frozen=True, kw_only=True):
    """Base of receipts: ``user_id`` has got everything up to ``seq``."""

    room_id: RoomId
    user_id: UserId
    seq: Seq


class Delivered(Received, frozen=True, kw_only=True):
    """Somebody's device holds everything up to ``seq``."""

    name: ClassVar[str] = "receipt:delivered"


class Read(Received, frozen=True, kw_only=True):
    """Somebody has read everything up to ``seq``."""

    name: ClassVar[str] = "receipt:read"


class ReceiptsCounted(Event, frozen=True, kw_only=True):
    """How many have got ``seq``, in a room too large to name them."""

    name: ClassVar[str] = "receipt:summary"
    room_id: RoomId
    seq: Seq
    delivered: int
    read: int


class TypingStarted(Event, frozen=True, kw_only=True):
    """Somebody is typing; it ends by itself 6 s after the last of these."""

    name: ClassVar[str] = "typing:start"
    room_id: RoomId
    user_id: UserId
    username: str = ""


class TypingStopped(Event, frozen=True, kw_only=True):
    """Somebody no longer types."""

    name: ClassVar[str] = "typing:stop"
    room_id: RoomId
    user_id: UserId


class StatusChanged(Event, frozen=True, kw_only=True):
    """Somebody came or went."""

    name: ClassVar[str] = "user:status"
    user_id: UserId
    status: str
    last_seen: str | UnsetType = UNSET


class SessionReady(Event, frozen=True, kw_only=True):
    """The connection is up; another ``epoch`` than before voids every cursor."""

    name: ClassVar[str] = "session:ready"
    user_id: UserId
    device_id: DeviceId
    session_id: SessionId
    epoch: str
    features: tuple[str, ...] = ()


class ResyncAsked(Event, frozen=True, kw_only=True):
    """The server may have missed something: run ``sync``."""

    name: ClassVar[str] = "session:resync"
    reason: str = ""


class MoveAsked(Event, frozen=True, kw_only=True):
    """The pod is draining: reconnect after ``reconnect_after_ms`` and resume."""

    name: ClassVar[str] = "session:moving"
    reconnect_after_ms: int = 0


class TokenExpiring(Event, frozen=True, kw_only=True):
    """The access token is about to end."""

    name: ClassVar[str] = "session:expiring"
    in_seconds: float = 0


class SessionClosing(Event, frozen=True, kw_only=True):
    """The server is about to close the connection; ``resume`` says to come back."""

    name: ClassVar[str] = "session:closing"
    code: int = 0
    resume: bool = True


class CommandFailed(Event, frozen=True, kw_only=True):
    """A command sent without an ack failed."""

    name: ClassVar[str] = "error"
    code: str = ""
    message: str = ""
    event: str = ""


class EventsMissed(Event, frozen=True, kw_only=True):
    """The client's own: the reader fell behind by ``count`` events. The state has them."""

    name: ClassVar[str] = "client:events-missed"
    count: int


_KINDS: Mapping[str, type[Event]] = {
    kind.name: kind
    for kind in (
        MessageSent, MessageChanged, MessageErased, RoomCreated, RoomUpdated, RoomRemoved,
        RevTaken, Delivered, Read, ReceiptsCounted, TypingStarted, TypingStopped, StatusChanged,
        SessionReady, ResyncAsked, MoveAsked, TokenExpiring, SessionClosing, CommandFailed,
    )
}  # fmt: skip


def decode_event(name: str, data: object) -> Event | None:
    """The event that ``name`` and ``data`` make up; ``None`` for what is not understood.

    Of a room event not known yet there remains that its rev is taken.
    """
    try:
        return msgspec.convert(data, _KINDS.get(name, RevTaken))
    except msgspec.ValidationError:
        return None
