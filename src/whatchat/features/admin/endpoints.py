"""What operators may ask, on the wire: what changes something needs the scope ``write``."""

from typing import Final

from whatchat.domain.contract import Endpoint
from whatchat.features.admin import contract
from whatchat.features.admin.accounts import AccountDesk
from whatchat.features.admin.pods import PodDesk
from whatchat.features.admin.reports import ReportDesk
from whatchat.features.admin.rooms import RoomDesk

_USER: Final = "/admin/users/{userId}"
_ROOM: Final = "/admin/rooms/{roomId}"
_REPORT: Final = "/admin/reports/{reportId}"

ACCOUNTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(contract.ListAccounts, AccountDesk.list, http="GET /admin/users", scope="read"),
    Endpoint(contract.InspectAccount, AccountDesk.inspect, http=f"GET {_USER}", scope="read"),
    Endpoint(
        contract.BanAccount,
        AccountDesk.ban,
        http=f"POST {_USER}/ban",
        status=204,
        scope="write",
    ),
    Endpoint(
        contract.UnbanAccount,
        AccountDesk.unban,
        http=f"POST {_USER}/unban",
        status=204,
        scope="write",
    ),
    Endpoint(
        contract.SignOutAccount,
        AccountDesk.sign_out,
        http=f"POST {_USER}/sign-out",
        scope="write",
    ),
    Endpoint(
        contract.ForgiveAccount,
        AccountDesk.forgive,
        http=f"POST {_USER}/forgive",
        status=204,
        scope="write",
    ),
)

ROOMS: Final[tuple[Endpoint, ...]] = (
    Endpoint(contract.ListAllRooms, RoomDesk.list, http="GET /admin/rooms", scope="read"),
    Endpoint(contract.InspectRoom, RoomDesk.inspect, http=f"GET {_ROOM}", scope="read"),
    Endpoint(contract.ListRoomMembers, RoomDesk.members, http=f"GET {_ROOM}/members", scope="read"),
    Endpoint(
        contract.ExpelMember,
        RoomDesk.expel,
        http=f"DELETE {_ROOM}/members/{{userId}}",
        status=204,
        scope="write",
    ),
    Endpoint(
        contract.EraseMessage,
        RoomDesk.erase,
        http="DELETE /admin/messages/{messageId}",
        status=204,
        scope="write",
    ),
)

REPORTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(contract.ListReports, ReportDesk.list, http="GET /admin/reports", scope="read"),
    Endpoint(contract.InspectReport, ReportDesk.inspect, http=f"GET {_REPORT}", scope="read"),
    Endpoint(
        contract.ResolveReport,
        ReportDesk.resolve,
        http=f"POST {_REPORT}/resolve",
        scope="write",
    ),
)

PODS: Final[tuple[Endpoint, ...]] = (
    Endpoint(contract.InspectPod, PodDesk.inspect, http="GET /admin/pod", scope="read"),
    Endpoint(contract.ShowLimits, PodDesk.limits, http="GET /admin/limits", scope="read"),
    Endpoint(contract.ListSockets, PodDesk.sockets, http="GET /admin/sockets", scope="read"),
    Endpoint(
        contract.CloseSocket,
        PodDesk.close,
        http="DELETE /admin/sockets/{socket}",
        status=204,
        scope="write",
    ),
    Endpoint(contract.DrainPod, PodDesk.drain, http="POST /admin/drain", status=202, scope="write"),
)
