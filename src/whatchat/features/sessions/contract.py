"""Sessions on the wire."""

from typing import Annotated, ClassVar

from msgspec import Meta

from whatchat.domain.contract import Command, Event
from whatchat.domain.ids import DeviceId, Rev, RoomId, SessionId, UserId
from whatchat.domain.models import View
from whatchat.domain.times import Timestamp

MAX_TOKEN_LENGTH = 8192


class RefreshSession(Command, frozen=True, kw_only=True):
    """Let this socket live on under a newer access token of the same user and device."""

    token: Annotated[str, Meta(max_length=MAX_TOKEN_LENGTH)]


class SessionRefreshed(View, frozen=True, kw_only=True):
    """How many seconds the socket has from now on."""

    expires_in: int


class RoomHead(View, frozen=True, kw_only=True):
    """A room's latest change when the session began."""

    room_id: RoomId
    rev: Rev


class SessionReady(Event, frozen=True, kw_only=True):
    """The first event of every session.

    No room event comes before it, and everything above its revs comes after it. ``epoch``
    names the history: under another one every cursor is void. ``rooms`` are the latest by
    activity; ``rooms_more`` tells that there are others.
    """

    name: ClassVar[str] = "session:ready"

    user_id: UserId
    device_id: DeviceId
    session_id: SessionId
    epoch: str
    protocol: int
    features: list[str]
    rooms: list[RoomHead]
    rooms_more: bool
    server_time: Timestamp
