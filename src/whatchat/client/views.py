"""What a client is shown, read leniently.

The shapes of ``domain.models``, but for what may yet grow: unknown fields are passed over
and unknown kinds, roles and message types stay the strings that they are.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import UNSET, UnsetType

from whatchat.domain.ids import ClientId, DeviceId, MessageId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import LISTED_PEOPLE, Reaction, User, View
from whatchat.domain.times import Timestamp

__all__ = ["LISTED_PEOPLE", "Reaction", "User"]


class Participant(View, frozen=True, kw_only=True):
    """A member of a room and how far this person has got."""

    user: User
    role: str
    delivered_seq: Seq = Seq(0)
    read_seq: Seq = Seq(0)


class RoomSettings(View, frozen=True, kw_only=True):
    """How a room behaves."""

    is_private: bool = True
    max_participants: int = 1024
    allow_file_sharing: bool = True
    encrypted: bool = False
    disappear_after_seconds: int | UnsetType = UNSET
    deliver_only: bool = False


class SettingsPatch(View, frozen=True, kw_only=True):
    """The settings to change; what is absent stays as it is."""

    is_private: bool | UnsetType = UNSET
    max_participants: int | UnsetType = UNSET
    allow_file_sharing: bool | UnsetType = UNSET
    disappear_after_seconds: int | UnsetType | None = UNSET
    deliver_only: bool | UnsetType = UNSET


class Message(View, frozen=True, kw_only=True):
    """A message in its current state; a deleted one keeps its place with empty content."""

    id: MessageId
    room_id: RoomId
    seq: Seq
    rev: Rev
    client_id: ClientId
    sender: User
    message_type: str
    content: str
    reply_to: MessageId | UnsetType = UNSET
    created_at: Timestamp
    edited_at: Timestamp | UnsetType = UNSET
    deleted_at: Timestamp | UnsetType = UNSET
    erased_at: Timestamp | UnsetType = UNSET
    expires_at: Timestamp | UnsetType = UNSET
    reactions: tuple[Reaction, ...] = ()


class PersonStatus(View, frozen=True, kw_only=True):
    """How things stand with a person: ``status`` is ``online`` or ``offline``."""

    user_id: UserId
    status: str
    last_seen: Timestamp | UnsetType = UNSET


class People(View, frozen=True, kw_only=True):
    """Those who were asked about."""

    users: tuple[PersonStatus, ...]


class Room(View, frozen=True, kw_only=True):
    """A room; ``unread`` and ``lastMessage`` are the viewer's and only where one is known."""

    id: RoomId
    kind: str
    name: str
    description: str
    participant_count: int
    participants: tuple[Participant, ...]
    settings: RoomSettings
    rev: Rev
    created_at: Timestamp
    last_activity: Timestamp
    unread: int | UnsetType = UNSET
    last_message: Message | UnsetType = UNSET


class Receipt(View, frozen=True, kw_only=True):
    """How far one person has got in a room."""

    user_id: UserId
    delivered_seq: Seq = Seq(0)
    read_seq: Seq = Seq(0)


class SyncedRoom(View, frozen=True, kw_only=True):
    """What one room's replica lacked; ``rev`` is the cursor to hold next."""

    room_id: RoomId
    state: str
    room: Room | UnsetType = UNSET
    messages: tuple[Message, ...]
    receipts: tuple[Receipt, ...] = ()
    rev: Rev
    more: bool = False


class SyncAnswer(View, frozen=True, kw_only=True):
    """A page of what changed; while ``more``, the next one takes the cursors then held."""

    epoch: str
    rooms: tuple[SyncedRoom, ...]
    removed: tuple[RoomId, ...] = ()
    more: bool = False
    receipts_at: str = ""


class History(View, frozen=True, kw_only=True):
    """Messages, oldest first; ``hasMore`` in the direction that was asked for."""

    messages: tuple[Message, ...]
    has_more: bool


class FoundMessages(View, frozen=True, kw_only=True):
    """Messages, newest first; ``next`` is where to go on while there may be more."""

    messages: tuple[Message, ...]
    has_more: bool
    next: str | None = None


class RoomPage(View, frozen=True, kw_only=True):
    """Rooms, newest activity first; ``next`` is what the next page comes after."""

    rooms: tuple[Room, ...]
    next: str | UnsetType = UNSET


class MemberPage(View, frozen=True, kw_only=True):
    """A room's members; ``next`` is what the next page comes after."""

    members: tuple[Participant, ...]
    next: str | UnsetType = UNSET


class Tokens(View, frozen=True, kw_only=True):
    """A pair of tokens; the access token lasts ``expiresIn`` seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignIn(Tokens, frozen=True, kw_only=True):
    """A user signed in on a device."""

    user: User
    device_id: DeviceId


Cursors = Mapping[RoomId, Rev]
Transports = tuple[Literal["websocket", "polling"], ...]
