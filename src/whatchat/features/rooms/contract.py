"""The commands, answers and events of rooms."""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from whatchat.domain.contract import Command, RoomEvent
from whatchat.domain.ids import ClientIdField, RoomIdField, UserId, UserIdField
from whatchat.domain.models import (
    MAX_LIFETIME_SECONDS,
    MAX_ROOM_PEOPLE,
    Participant,
    Role,
    Room,
    RoomKind,
    View,
)
from whatchat.domain.text import NAME, TEXT, require_name, require_text

MAX_NAME = 100
MAX_DESCRIPTION_BYTES = 2_048

Name = Annotated[str, Meta(max_length=MAX_NAME), NAME]
PartOfName = Annotated[str, Meta(max_length=MAX_NAME)]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION_BYTES), TEXT]
UserIds = Annotated[tuple[UserIdField, ...], Meta(max_length=MAX_ROOM_PEOPLE)]
Lifetime = Annotated[int, Meta(ge=0, le=MAX_LIFETIME_SECONDS)]
PageLimit = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[str, Meta(pattern=r"^[0-9]{1,13}\.[A-Za-z0-9_-]{1,32}\Z")]
"""Where a page of rooms ended: opaque to clients."""


class SettingsPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The settings to change; what is absent stays as it is.

    ``disappearAfterSeconds``: from then on each message is over so long after it was posted;
    0 or ``null`` turns that off for those to come. ``deliverOnly``: the server keeps what is
    said until every device of every member has it that was seen in the last 30 days.
    ``encrypted`` may only be given as off until the server lists it as a feature: a promise
    about privacy is kept or not made.
    """

    is_private: bool | UnsetType = UNSET
    max_participants: Annotated[int, Meta(ge=2, le=MAX_ROOM_PEOPLE)] | UnsetType = UNSET
    allow_file_sharing: bool | UnsetType = UNSET
    encrypted: Literal[False] | UnsetType = UNSET
    disappear_after_seconds: Lifetime | UnsetType | None = UNSET
    deliver_only: bool | UnsetType = UNSET


class CreateRoom(Command, frozen=True, kw_only=True):
    """Open a room. A direct one has exactly two people and exists once per pair for ever.

    It goes by the other's name: a name and a description are for groups.
    """

    kind: RoomKind
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    participants: UserIds
    settings: SettingsPatch | UnsetType = UNSET
    client_id: ClientIdField | UnsetType = UNSET

    def __post_init__(self) -> None:
        _require_texts(self.name, self.description)


class UpdateRoom(Command, frozen=True, kw_only=True):
    """Rename, describe or reconfigure a room: admins."""

    room_id: RoomIdField
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    settings: SettingsPatch | UnsetType = UNSET

    def __post_init__(self) -> None:
        _require_texts(self.name, self.description)


class ListRooms(Command, frozen=True, kw_only=True):
    """A page of the caller's rooms, or of the public ones whose name contains ``query``."""

    after: Cursor | UnsetType = UNSET
    limit: PageLimit = 50
    scope: Literal["own", "public"] = "own"
    query: PartOfName = ""


class GetRoom(Command, frozen=True, kw_only=True):
    """One room."""

    room_id: RoomIdField


class ListMembers(Command, frozen=True, kw_only=True):
    """A page of a room's people, by user id."""

    room_id: RoomIdField
    after: UserIdField | UnsetType = UNSET
    limit: PageLimit = 100


class AddMembers(Command, frozen=True, kw_only=True):
    """Bring people in: admins. Those who are in already stay as they are."""

    room_id: RoomIdField
    user_ids: Annotated[UserIds, Meta(min_length=1)]


class RemoveMember(Command, frozen=True, kw_only=True):
    """Put somebody out: admins; oneself: leave."""

    room_id: RoomIdField
    user_id: UserIdField


class JoinRoom(Command, frozen=True, kw_only=True):
    """Come into a public room."""

    room_id: RoomIdField


class LeaveRoom(Command, frozen=True, kw_only=True):
    """Go out of a room."""

    room_id: RoomIdField


class GrantAdmin(Command, frozen=True, kw_only=True):
    """Make a member an admin: admins."""

    room_id: RoomIdField
    user_id: UserIdField


class RevokeAdmin(Command, frozen=True, kw_only=True):
    """Make an admin a plain member: admins; the last one stays."""

    room_id: RoomIdField
    user_id: UserIdField


RoomCommand = (
    UpdateRoom | AddMembers | RemoveMember | JoinRoom | LeaveRoom | GrantAdmin | RevokeAdmin
)
"""What changes a room that is there."""


class RoomPage(View, frozen=True, kw_only=True):
    """Rooms, newest activity first; ``next`` is there while more follow."""

    rooms: list[Room]
    next: str | UnsetType = UNSET


class MemberPage(View, frozen=True, kw_only=True):
    """People of a room; ``next`` is there while more follow."""

    members: list[Participant]
    next: str | UnsetType = UNSET


class RoomChange(View, frozen=True, kw_only=True):
    """What happened to a room, and to whom."""

    kind: Literal["created", "joined", "added", "left", "removed", "role", "updated"]
    user_ids: list[UserId] | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class RoomEntered(RoomEvent, frozen=True, kw_only=True):
    """The room is new to this user: it was created, or the user came in."""

    name: ClassVar[str] = "room:created"
    room: Room
    change: RoomChange


class RoomAltered(RoomEvent, frozen=True, kw_only=True):
    """People, roles, names or settings changed."""

    name: ClassVar[str] = "room:updated"
    room: Room
    change: RoomChange


class RoomLeft(RoomEvent, frozen=True, kw_only=True):
    """The user is no longer in the room; ``room`` says no more than an outsider may know."""

    name: ClassVar[str] = "room:removed"
    room: Room
    change: RoomChange


def _require_texts(name: str | UnsetType, description: str | UnsetType) -> None:
    if name is not UNSET:
        require_name(name, "name", maximum=MAX_NAME)
    if description is not UNSET and description:
        require_text(description, "description", max_bytes=MAX_DESCRIPTION_BYTES)
