"""What clients see: the shapes of the public contract, camelCase on the wire."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from whatchat.domain.ids import ClientId, DeviceId, MessageId, Rev, RoomId, Seq, UserId
from whatchat.domain.times import Timestamp

Role = Literal["admin", "member"]
RoomKind = Literal["group", "direct"]
Visibility = Literal["everyone", "contacts", "nobody"]
MessageType = Literal["text", "system"]

MAX_ROOM_PEOPLE = 10_000
MAX_LIFETIME_SECONDS = 31_536_000
LISTED_PEOPLE = 100
"""Up to this many people a room lists all its participants."""


class View(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of everything that a client is shown."""


class User(View, frozen=True, kw_only=True):
    """A person, as others see them."""

    id: UserId
    username: str
    display_name: str


class Profile(User, frozen=True, kw_only=True):
    """A person, as they see themselves."""

    presence: Visibility
    read_receipts: bool


class Device(View, frozen=True, kw_only=True):
    """One signed-in device of the caller."""

    id: DeviceId
    name: str
    created_at: Timestamp
    last_seen_at: Timestamp
    current: bool


class Participant(View, frozen=True, kw_only=True):
    """A member of a room and how far this person has got."""

    user: User
    role: Role
    delivered_seq: Seq
    read_seq: Seq


class RoomSettings(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a room behaves."""

    is_private: bool = True
    max_participants: Annotated[int, Meta(ge=2, le=MAX_ROOM_PEOPLE)] = 1024
    allow_file_sharing: bool = True
    encrypted: bool = False
    disappear_after_seconds: Annotated[int, Meta(ge=1, le=MAX_LIFETIME_SECONDS)] | UnsetType = UNSET
    deliver_only: bool = False


class Reaction(View, frozen=True, kw_only=True):
    """One emoji and who reacted with it, earliest first."""

    emoji: str
    users: list[UserId]


class Message(View, frozen=True, kw_only=True):
    """A message in its current state; a deleted one keeps its place with empty content."""

    id: MessageId
    room_id: RoomId
    seq: Seq
    rev: Rev
    client_id: ClientId
    sender: User
    message_type: MessageType
    content: str
    reply_to: MessageId | UnsetType = UNSET
    created_at: Timestamp
    edited_at: Timestamp | UnsetType = UNSET
    deleted_at: Timestamp | UnsetType = UNSET
    erased_at: Timestamp | UnsetType = UNSET
    expires_at: Timestamp | UnsetType = UNSET
    reactions: list[Reaction]


class Room(View, frozen=True, kw_only=True):
    """A room; ``unread`` and ``lastMessage`` are the viewer's and only where one is known."""

    id: RoomId
    kind: RoomKind
    name: str
    description: str
    participant_count: int
    participants: list[Participant]
    settings: RoomSettings
    rev: Rev
    created_at: Timestamp
    last_activity: Timestamp
    unread: int | UnsetType = UNSET
    last_message: Message | UnsetType = UNSET
