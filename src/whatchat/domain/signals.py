"""What the server tells a connection about itself or about what it missed."""

from typing import ClassVar

from msgspec import UNSET, UnsetType

from whatchat.domain.contract import Event, RoomEvent
from whatchat.domain.errors import ErrorCode


class SessionClosing(Event, frozen=True, kw_only=True):
    """The last event before the server closes; ``resume``: reconnect and go on as before."""

    name: ClassVar[str] = "session:closing"

    code: int
    resume: bool


class SessionResync(Event, frozen=True, kw_only=True):
    """Something may have been missed: run ``sync``."""

    name: ClassVar[str] = "session:resync"

    reason: str


class SessionMoving(Event, frozen=True, kw_only=True):
    """The pod is going away: reconnect after that time and resume."""

    name: ClassVar[str] = "session:moving"

    reconnect_after_ms: int


class SessionExpiring(Event, frozen=True, kw_only=True):
    """The access token ends soon: send ``session:refresh``, or the socket closes."""

    name: ClassVar[str] = "session:expiring"

    in_seconds: int


class RoomRevTaken(RoomEvent, frozen=True, kw_only=True):
    """A change that holds nothing for this member, so that no gap is seen."""

    name: ClassVar[str] = "room:rev"


class ErrorRaised(Event, frozen=True, kw_only=True):
    """A command without an ack failed: the error, and ``event``, the command's."""

    name: ClassVar[str] = "error"

    code: ErrorCode
    message: str
    retryable: bool
    retry_after_ms: int | UnsetType = UNSET
    field: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    event: str | UnsetType = UNSET
