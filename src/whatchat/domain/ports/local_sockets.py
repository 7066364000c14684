"""The sockets of this pod, for those who run it."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import DeviceId, UserId


class LocalSocket(Struct, frozen=True, kw_only=True):
    """A live socket; ``socket`` is the hash of its session id, as the log has it."""

    socket: str
    user_id: UserId
    device_id: DeviceId
    address: str
    transport: str
    since: datetime | None
    rooms: int


class LocalSockets(Protocol):
    """Knows who is connected to this pod."""

    def count(self) -> int:
        """How many there are."""
        ...

    async def page(
        self, *, user_id: UserId | None, after: str | None, limit: int
    ) -> list[LocalSocket]:
        """Sockets of one user or of all, by ``socket``, from the one after ``after`` on."""
        ...

    async def close(self, socket: str) -> LocalSocket | None:
        """Close it, with a code that lets it resume at once; which it was, if it is here."""
        ...
