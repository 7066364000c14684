"""What operators may ask about what happens now."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import MessageIdField, RoomId, RoomIdField, UserId

PodField = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
SocketField = Annotated[str, Meta(pattern=r"^[0-9a-f]{12}\Z")]
PageLimit = Annotated[int, Meta(ge=1, le=500)]

# An empty filter is none: dashboards name a variable that nobody has chosen yet.
PodFilter = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")]
RoomFilter = Annotated[RoomId, Meta(pattern=r"^[A-Za-z0-9_-]{0,32}\Z")]
UserFilter = Annotated[UserId, Meta(pattern=r"^[A-Za-z0-9_-]{0,32}\Z")]


class ListPods(Command, frozen=True, kw_only=True):
    """All pods, as they told of themselves within the last seconds."""


class ShowPod(Command, frozen=True, kw_only=True):
    """One pod, counted now."""

    pod: PodField


class ListLiveRooms(Command, frozen=True, kw_only=True):
    """Rooms with sockets, on all pods or on one.

    ``order=sockets``: those with the most, the first ``limit``; ``room``: by id, page by page.
    """

    pod: PodFilter | UnsetType = UNSET
    order: Literal["sockets", "room"] = "sockets"
    after: RoomIdField | UnsetType = UNSET
    limit: PageLimit = 100

    def __post_init__(self) -> None:
        if self.after is not UNSET and self.order != "room":
            raise Invalid("`after` needs `order=room`", field="after")


class ShowLiveRoom(Command, frozen=True, kw_only=True):
    """One room with sockets, pod by pod."""

    room_id: RoomIdField


class ListLiveSockets(Command, frozen=True, kw_only=True):
    """Sockets by name: of all pods or one, of a room, of a user.

    ``state=closed``: those that went lately instead, at most the last 1,000 of each pod; they
    are in no room.
    """

    pod: PodFilter | UnsetType = UNSET
    room_id: RoomFilter | UnsetType = UNSET
    user_id: UserFilter | UnsetType = UNSET
    state: Literal["live", "closed"] = "live"
    after: SocketField | UnsetType = UNSET
    limit: PageLimit = 100

    def __post_init__(self) -> None:
        if self.room_id and self.state == "closed":
            raise Invalid("sockets that are gone are in no room", field="roomId")


class ShowLiveSocket(Command, frozen=True, kw_only=True):
    """One socket, also if it went lately; ``socket`` is what the log calls it."""

    socket: SocketField


class TraceMessage(Command, frozen=True, kw_only=True):
    """One message's way, without its content: as far as pods remember their last thousands."""

    message_id: MessageIdField
