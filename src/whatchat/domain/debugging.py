"""What pods tell of themselves to those who run them: rows, as tables show them.

Ids, times and figures, never anything that people wrote, never a token or a session id: a
``socket`` is what the log calls one. What cannot be told is left out.
"""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from whatchat.domain.ids import DeviceId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import View
from whatchat.domain.times import Timestamp

SocketState = Literal["open", "warming", "closing", "closed"]
"""``warming``: not greeted yet; ``closing``: told to go, and not gone."""


class PodSummary(View, frozen=True, kw_only=True):
    """A pod as it told of itself at ``at``; ``loopLagMs``: how late its loop was just then."""

    pod: str
    at: Timestamp
    version: str
    started_at: Timestamp
    ready: bool
    draining: bool
    sockets: int
    rooms: int
    users: int
    loop_lag_ms: float
    memory_bytes: int


class PodInside(View, frozen=True, kw_only=True):
    """What a pod has to count for: its sockets by transport and state, and what it remembers."""

    websocket: int
    polling: int
    warming: int
    closing: int
    congested: int
    outbox_bytes: int
    closed_lately: int
    messages_remembered: int


class RoomOnPod(View, frozen=True, kw_only=True):
    """A room with sockets on a pod.

    ``head``: the latest rev that its sockets were told; ``hole``: it is known that there are
    later ones, which this pod reads from the store; ``subscribed``: the broker brings what
    other pods announce.
    """

    pod: str
    room_id: RoomId
    sockets: int
    users: int
    head: Rev
    hole: bool
    subscribed: bool


class SocketRow(View, frozen=True, kw_only=True):
    """A socket; ``rooms`` is how many its user is in, ``outboxBytes`` what it has yet to take.

    ``roundTripMs`` is that of the latest heartbeat. Of one that is gone: as it was at its end.
    """

    socket: str
    pod: str
    user_id: UserId
    device_id: DeviceId
    transport: str
    address: str
    state: SocketState
    rooms: int
    outbox_bytes: int
    connected_at: Timestamp | UnsetType = UNSET
    round_trip_ms: float | UnsetType = UNSET
    closed_at: Timestamp | UnsetType = UNSET
    close_code: int | UnsetType = UNSET
    close_reason: str | UnsetType = UNSET


class CommandRow(View, frozen=True, kw_only=True):
    """A command that a socket sent: when it was answered, with which outcome, after how long."""

    at: Timestamp
    command: str
    outcome: str
    ms: float


class SocketDetail(SocketRow, frozen=True, kw_only=True):
    """A socket, the first of its rooms, and the last of its commands and of their failures."""

    room_ids: list[RoomId]
    commands: list[CommandRow]
    errors: list[CommandRow]


class Handing(View, frozen=True, kw_only=True):
    """A message was handed to a socket."""

    at: Timestamp
    pod: str
    socket: str
    user_id: UserId | UnsetType = UNSET


class Receipt(View, frozen=True, kw_only=True):
    """A device acknowledged a message, or a later one of its room."""

    at: Timestamp
    pod: str
    user_id: UserId
    device_id: DeviceId
    kind: Literal["delivered", "read"]


class MessageOnPod(View, frozen=True, kw_only=True):
    """What a pod knows of a message's way; ``sockets``: how many it handed it to, not all listed.

    ``acceptedAt``: it was asked of its room; ``persistedAt``: it was durable; ``publishedAt``:
    the broker had it. Only the pod that wrote it knows these, and whose it is.
    """

    pod: str
    sender_id: UserId | UnsetType = UNSET
    accepted_at: Timestamp | UnsetType = UNSET
    persisted_at: Timestamp | UnsetType = UNSET
    published_at: Timestamp | UnsetType = UNSET
    written_at: Timestamp | UnsetType = UNSET
    sockets: int = 0
    written: tuple[Handing, ...] = ()
    receipts: tuple[Receipt, ...] = ()


# What one pod asks another.


class AskInside(Struct, frozen=True, kw_only=True, tag=True):
    """What a pod has to count for."""


class AskRooms(Struct, frozen=True, kw_only=True, tag=True):
    """Rooms by id from the one after ``after`` on, or those with the most sockets."""

    limit: int
    after: RoomId | None = None
    most_sockets: bool = False


class AskTheseRooms(Struct, frozen=True, kw_only=True, tag=True):
    """These rooms."""

    room_ids: list[RoomId]


class AskSockets(Struct, frozen=True, kw_only=True, tag=True):
    """Sockets by name from the one after ``after`` on: of a room, of a user, gone ones."""

    limit: int
    after: str | None = None
    room_id: RoomId | None = None
    user_id: UserId | None = None
    closed: bool = False


class AskSocket(Struct, frozen=True, kw_only=True, tag=True):
    """One socket, also if it is gone lately."""

    socket: str


class AskMessage(Struct, frozen=True, kw_only=True, tag=True):
    """One message's way."""

    room_id: RoomId
    seq: Seq


Ask = AskInside | AskRooms | AskTheseRooms | AskSockets | AskSocket | AskMessage
