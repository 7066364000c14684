"""What operators are shown."""

from msgspec import UNSET, UnsetType

from whatchat.domain.ids import DeviceId, MessageId, ReportId, Rev, RoomId, UserId
from whatchat.domain.models import Role, RoomKind, RoomSettings, User, View
from whatchat.domain.ports.report_store import ReportState, Resolution
from whatchat.domain.times import Timestamp


class AccountSummary(User, frozen=True, kw_only=True):
    """A person; ``bannedAt`` is there while banned."""

    created_at: Timestamp
    banned_at: Timestamp | UnsetType = UNSET


class AccountPage(View, frozen=True, kw_only=True):
    """Accounts; ``next`` is there while more follow."""

    users: list[AccountSummary]
    next: str | UnsetType = UNSET


class KnownDevice(View, frozen=True, kw_only=True):
    """A device that a person is signed in on."""

    id: DeviceId
    name: str
    created_at: Timestamp
    last_seen_at: Timestamp


class LiveSocket(View, frozen=True, kw_only=True):
    """A person's socket on some pod; ``socket`` is what the log calls it."""

    socket: str
    device_id: DeviceId
    pod: str
    since: Timestamp


class AccountDetail(View, frozen=True, kw_only=True):
    """A person, as operators see them.

    ``openReports`` about the person are counted to 100. ``slowedBy``: their commands cost so
    many times what others' do.
    """

    user: AccountSummary
    ban_reason: str | UnsetType = UNSET
    devices: list[KnownDevice]
    sockets: list[LiveSocket]
    open_reports: int
    slowed_by: int


class SignOuts(View, frozen=True, kw_only=True):
    """How many sign-ins ended."""

    ended: int


class SocketView(View, frozen=True, kw_only=True):
    """A socket of this pod; ``rooms`` is how many its user is in."""

    socket: str
    user_id: UserId
    device_id: DeviceId
    address: str
    transport: str
    connected_at: Timestamp | UnsetType = UNSET
    rooms: int


class SocketPage(View, frozen=True, kw_only=True):
    """Sockets; ``next`` is there while more follow."""

    sockets: list[SocketView]
    next: str | UnsetType = UNSET


class RoomSummary(View, frozen=True, kw_only=True):
    """A room, as operators see it."""

    id: RoomId
    kind: RoomKind
    name: str
    participant_count: int
    settings: RoomSettings
    rev: Rev
    created_by: UserId
    created_at: Timestamp
    last_activity: Timestamp


class RoomSummaryPage(View, frozen=True, kw_only=True):
    """Rooms; ``next`` is there while more follow."""

    rooms: list[RoomSummary]
    next: str | UnsetType = UNSET


class RoomMember(View, frozen=True, kw_only=True):
    """Somebody in a room."""

    user: User
    role: Role


class RoomMemberPage(View, frozen=True, kw_only=True):
    """A room's people; ``next`` is there while more follow."""

    members: list[RoomMember]
    next: str | UnsetType = UNSET


class Limit(View, frozen=True, kw_only=True):
    """What ``each`` device, user or network may ask for, a second on average and at once."""

    each: str
    name: str
    per_second: float
    burst: int


class LimitTable(View, frozen=True, kw_only=True):
    """All limits, unless they are switched off."""

    enabled: bool
    limits: list[Limit]


class FiledReport(View, frozen=True, kw_only=True):
    """What somebody reported; of a message, where it is and nothing of what it says."""

    id: ReportId
    reporter_id: UserId
    user_id: UserId
    room_id: RoomId | UnsetType = UNSET
    message_id: MessageId | UnsetType = UNSET
    reason: str
    at: Timestamp
    state: ReportState
    resolution: Resolution | UnsetType = UNSET
    resolved_at: Timestamp | UnsetType = UNSET


class ReportPage(View, frozen=True, kw_only=True):
    """Reports; ``next`` is there while more follow."""

    reports: list[FiledReport]
    next: str | UnsetType = UNSET


class PodView(View, frozen=True, kw_only=True):
    """A pod as it is now; ``ready``: it may take traffic."""

    name: str
    version: str
    ready: bool
    draining: bool
    sockets: int
