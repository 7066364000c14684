"""What operators may ask."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command
from whatchat.domain.ids import MessageIdField, ReportIdField, RoomIdField, UserIdField
from whatchat.domain.ports.report_store import ReportState, Resolution
from whatchat.domain.text import require_text

MAX_REASON_LENGTH = 200

Query = Annotated[str, Meta(max_length=100)]
Username = Annotated[str, Meta(min_length=1, max_length=100)]
Cursor = Annotated[str, Meta(pattern=r"^[0-9]{1,13}\.[A-Za-z0-9_-]{1,32}\Z")]
SocketField = Annotated[str, Meta(pattern=r"^[0-9a-f]{12}\Z")]
PageLimit = Annotated[int, Meta(ge=1, le=500)]


class ListAccounts(Command, frozen=True, kw_only=True):
    """Accounts by username; ``query`` begins it, or is a part of the display name."""

    query: Query = ""
    banned: bool | UnsetType = UNSET
    after: Username | UnsetType = UNSET
    limit: PageLimit = 100


class InspectAccount(Command, frozen=True, kw_only=True):
    """One person's account, devices, sockets on all pods, open reports and limits."""

    user_id: UserIdField


class BanAccount(Command, frozen=True, kw_only=True):
    """End every sign-in of a person and refuse new ones; ``reason`` is for operators alone."""

    user_id: UserIdField
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.reason is not UNSET:
            require_text(self.reason, "reason", max_bytes=4 * MAX_REASON_LENGTH)


class UnbanAccount(Command, frozen=True, kw_only=True):
    """Let a person sign in again."""

    user_id: UserIdField


class SignOutAccount(Command, frozen=True, kw_only=True):
    """End every sign-in of a person, who may sign in again."""

    user_id: UserIdField


class ForgiveAccount(Command, frozen=True, kw_only=True):
    """Let a person's commands cost what everybody's do."""

    user_id: UserIdField


class ListSockets(Command, frozen=True, kw_only=True):
    """The sockets of this pod, of one person or of all."""

    user_id: UserIdField | UnsetType = UNSET
    after: SocketField | UnsetType = UNSET
    limit: PageLimit = 100


class CloseSocket(Command, frozen=True, kw_only=True):
    """Close a socket of this pod with 4503: its client reconnects, to any pod, and resumes."""

    socket: SocketField


class ListAllRooms(Command, frozen=True, kw_only=True):
    """Rooms by id; ``query`` is a part of their name."""

    query: Query = ""
    after: RoomIdField | UnsetType = UNSET
    limit: PageLimit = 100


class InspectRoom(Command, frozen=True, kw_only=True):
    """One room, without its people and without anything said in it."""

    room_id: RoomIdField


class ListRoomMembers(Command, frozen=True, kw_only=True):
    """A room's people, by id."""

    room_id: RoomIdField
    after: UserIdField | UnsetType = UNSET
    limit: PageLimit = 100


class ExpelMember(Command, frozen=True, kw_only=True):
    """Put somebody out of a group; who sees it sees a removal."""

    room_id: RoomIdField
    user_id: UserIdField


class EraseMessage(Command, frozen=True, kw_only=True):
    """Erase a message's content for everyone; a tombstone stays."""

    message_id: MessageIdField


class ShowLimits(Command, frozen=True, kw_only=True):
    """How much anybody may ask for."""


class ListReports(Command, frozen=True, kw_only=True):
    """Reports, the latest first."""

    state: ReportState | UnsetType = UNSET
    after: Cursor | UnsetType = UNSET
    limit: PageLimit = 100


class InspectReport(Command, frozen=True, kw_only=True):
    """One report."""

    report_id: ReportIdField


class ResolveReport(Command, frozen=True, kw_only=True):
    """Say what came of a report; it does nothing else, and is for good."""

    report_id: ReportIdField
    resolution: Resolution


class DrainPod(Command, frozen=True, kw_only=True):
    """Have this pod end as by SIGTERM: unready at once, clients moved away, then gone."""


class InspectPod(Command, frozen=True, kw_only=True):
    """The pod that is asked."""
