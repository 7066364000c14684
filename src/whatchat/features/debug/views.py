"""What operators are shown of what happens now.

``missing`` names the pods that are known and did not answer in time: what they have is not in
the answer.
"""

from typing import Literal

from msgspec import UNSET, UnsetType

from whatchat.domain.debugging import (
    Handing,
    PodSummary,
    Receipt,
    RoomOnPod,
    SocketDetail,
    SocketRow,
)
from whatchat.domain.ids import MessageId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import View
from whatchat.domain.times import Timestamp


class PodRow(PodSummary, frozen=True, kw_only=True):
    """A pod; ``silentMs``: so long ago it told so."""

    silent_ms: int


class PodTable(View, frozen=True, kw_only=True):
    """All pods by name; ``missing`` are those of them that are silent for too long."""

    pods: list[PodRow]
    missing: list[str]


class PodDetail(PodRow, frozen=True, kw_only=True):
    """A pod; what had to be counted is left out if it did not answer.

    ``congested`` sockets have an outbox that waits for their client. ``closedLately`` and
    ``messagesRemembered``: how much of what is over it can still tell.
    """

    websocket: int | UnsetType = UNSET
    polling: int | UnsetType = UNSET
    warming: int | UnsetType = UNSET
    closing: int | UnsetType = UNSET
    congested: int | UnsetType = UNSET
    outbox_bytes: int | UnsetType = UNSET
    closed_lately: int | UnsetType = UNSET
    messages_remembered: int | UnsetType = UNSET
    missing: list[str]


class RoomRow(View, frozen=True, kw_only=True):
    """A room on all the pods that were asked.

    ``users`` counts somebody with sockets on two pods twice. ``head`` is the latest rev that
    any pod has told its sockets; ``behind`` is how many revs the last of them lacks; ``hole``:
    some pod knows that it lacks one.
    """

    room_id: RoomId
    sockets: int
    users: int
    pods: int
    head: Rev
    behind: int
    hole: bool


class RoomTable(View, frozen=True, kw_only=True):
    """Rooms; ``next`` is there while more follow."""

    rooms: list[RoomRow]
    next: str | UnsetType = UNSET
    missing: list[str]


class LiveRoom(RoomRow, frozen=True, kw_only=True):
    """A room, pod by pod."""

    per_pod: list[RoomOnPod]
    missing: list[str]


class SocketTable(View, frozen=True, kw_only=True):
    """Sockets; ``next`` is there while more follow."""

    sockets: list[SocketRow]
    next: str | UnsetType = UNSET
    missing: list[str]


class LiveSocketDetail(SocketDetail, frozen=True, kw_only=True):
    """A socket."""

    missing: list[str]


class Step(View, frozen=True, kw_only=True):
    """A message got so far, ``ms`` after it was accepted, by the clocks of the pods.

    ``accepted``: asked of its room; ``persisted``: durable; ``published``: the broker has it;
    ``written``: handed to ``sockets`` sockets of the pod; ``delivered`` and ``read``: by the
    first and the last who acknowledged it, on that pod.
    """

    at: Timestamp
    step: Literal["accepted", "persisted", "published", "written", "delivered", "read"]
    pod: str
    ms: float | UnsetType = UNSET
    sockets: int | UnsetType = UNSET
    user_id: UserId | UnsetType = UNSET


class MessageTrail(View, frozen=True, kw_only=True):
    """A message's way, in the order of time; what no pod remembers is left out.

    ``pod`` wrote it; ``postedAt`` is the time that its log has. ``sockets`` counts what it was
    handed to, of which ``written`` lists the first; ``delivered`` and ``read`` count people.
    """

    message_id: MessageId
    room_id: RoomId
    seq: Seq
    sender_id: UserId | UnsetType = UNSET
    pod: str | UnsetType = UNSET
    posted_at: Timestamp | UnsetType = UNSET
    accepted_at: Timestamp | UnsetType = UNSET
    persisted_at: Timestamp | UnsetType = UNSET
    published_at: Timestamp | UnsetType = UNSET
    sockets: int
    delivered: int
    read: int
    steps: list[Step]
    written: list[Handing]
    receipts: list[Receipt]
    missing: list[str]
