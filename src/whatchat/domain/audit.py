"""What the audit log says: who did what to whom, from where; never what was said."""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from whatchat.domain.actor import Actor, Caller, Operator, Visitor
from whatchat.domain.errors import ErrorCode
from whatchat.domain.ids import DeviceId, MessageId, RoomId, UserId

Kind = Literal[
    "account.registered",
    "account.banned",
    "account.unbanned",
    "account.signed_out",
    "sign_in",
    "sign_out",
    "password.changed",
    "device.signed_out",
    "refresh.reused",
    "room.created",
    "room.updated",
    "room.joined",
    "room.left",
    "member.added",
    "member.removed",
    "admin.granted",
    "admin.revoked",
    "message.removed",
    "user.blocked",
    "user.unblocked",
    "report.filed",
    "report.resolved",
    "limit.hit",
    "anomaly.found",
    "admin.called",
    "socket.closed",
    "pod.drained",
    "records.dropped",
]
"""Every kind of act; ``sign_in`` and ``admin.called`` are told whatever came of them."""


class Party(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Who did it: a signed-in user, somebody not signed in, an operator, or the server itself."""

    role: Literal["user", "visitor", "operator", "server"]
    user_id: UserId | None = None
    device_id: DeviceId | None = None
    address: str | None = None


class Act(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What was done, and to what: ids alone.

    ``outcome`` is ``ok`` or the error's code. ``detail`` is a word of ours (a rule, a role, a
    class of limits, a route's template), never anything that people wrote. ``count`` is how many
    alike this one stands for.
    """

    kind: Kind
    outcome: Literal["ok"] | ErrorCode = "ok"
    user_id: UserId | None = None
    device_id: DeviceId | None = None
    room_id: RoomId | None = None
    message_id: MessageId | None = None
    report_id: str | None = None
    detail: str | None = None
    count: int = 1


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An act as the log keeps it; ``at`` is the pod's time, ``id`` is random."""

    id: str
    at: datetime
    pod: str
    actor: Party
    act: Act
    trace_id: str | None = None


NEW_DEVICE: Final = "new_device"
"""The detail of a sign-in on a device that was not known."""

SERVER: Party = Party(role="server")


def party(who: Caller | Party) -> Party:
    """Whoever asked, as the log names them."""
    match who:
        case Actor():
            return Party(
                role="user", user_id=who.user_id, device_id=who.device_id, address=who.address
            )
        case Visitor():
            return Party(role="visitor", address=who.address)
        case Operator():
            return Party(role="operator", address=who.address)
    return who
