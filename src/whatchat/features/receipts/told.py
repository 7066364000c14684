"""What people tell, until it is written down."""

import asyncio

from whatchat.domain.actor import Actor
from whatchat.domain.ids import DeviceId, RoomId, Seq, SessionId, UserId


class Told:
    """What one device has told of one room since the last writing, and who waits for that.

    ``sessions`` are the sockets that told it, ``None`` for REST.
    """

    __slots__ = ("delivered", "device_id", "read", "room_id", "sessions", "user_id", "waiting")

    def __init__(self, room_id: RoomId, actor: Actor) -> None:
        self.room_id: RoomId = room_id
        self.user_id: UserId = actor.user_id
        self.device_id: DeviceId = actor.device_id
        self.delivered: Seq | None = None
        self.read: Seq | None = None
        self.sessions: set[SessionId | None] = set()
        self.waiting: list[asyncio.Future[None]] = []

    def add(self, session_id: SessionId | None, seq: Seq, *, is_read: bool) -> None:
        """Take one more in."""
        if is_read:
            self.read = max(self.read or Seq(0), seq)
        else:
            self.delivered = max(self.delivered or Seq(0), seq)
        self.sessions.add(session_id)

    def settle(self) -> None:
        """It is written down."""
        for future in self.waiting:
            if not future.done():
                future.set_result(None)

    def fail(self, error: Exception) -> None:
        """It may or may not be written down."""
        for future in self.waiting:
            if not future.done():
                future.set_exception(error)
