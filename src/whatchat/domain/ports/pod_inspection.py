"""A look into this pod, for those who run it."""

from typing import Protocol

from whatchat.domain.debugging import (
    AskMessage,
    AskRooms,
    AskSockets,
    MessageOnPod,
    PodInside,
    RoomOnPod,
    SocketDetail,
    SocketRow,
)
from whatchat.domain.ids import RoomId


class PodInspection(Protocol):
    """Answers from memory alone.

    A pod holds tens of thousands of sockets: whoever waits for the event loop has a turn
    between some hundreds of them, so that an answer is of no single moment.
    """

    def counts(self) -> tuple[int, int, int]:
        """How many sockets, rooms and users are here; at once."""
        ...

    async def inside(self) -> PodInside:
        """What has to be counted."""
        ...

    async def rooms(self, ask: AskRooms) -> list[RoomOnPod]:
        """Rooms with a socket here, at most ``ask.limit``, in the order that is asked for."""
        ...

    async def these_rooms(self, room_ids: list[RoomId]) -> list[RoomOnPod]:
        """Those of these rooms that have a socket here."""
        ...

    async def sockets(self, ask: AskSockets) -> list[SocketRow]:
        """Sockets of this pod by name, at most ``ask.limit``."""
        ...

    async def socket(self, socket: str) -> SocketDetail | None:
        """One socket, if it is here or went lately."""
        ...

    async def message(self, ask: AskMessage) -> MessageOnPod | None:
        """What this pod remembers of a message's way, if anything."""
        ...
