"""Which devices are connected, and to which pod."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import DeviceId, SessionId, UserId
from whatchat.domain.ports.presence_registry import PresenceRegistry


class Session(Struct, frozen=True, kw_only=True):
    """One live socket, in force until its lease ends."""

    session_id: SessionId
    user_id: UserId
    device_id: DeviceId
    pod: str
    since: datetime


class SessionRegistry(Protocol):
    """Keeps a lease per live socket; a lease not renewed within its seconds ends by itself.

    Who is online follows from these leases alone, each change of them at one stroke.
    """

    presence: PresenceRegistry

    async def open(self, session: Session, *, lease_seconds: int) -> None:
        """Enter a socket."""
        ...

    async def renew(
        self, session_ids: Sequence[SessionId], *, lease_seconds: int
    ) -> list[SessionId]:
        """Extend leases; returns the sessions that are unknown, as their lease has ended."""
        ...

    async def close(self, session_id: SessionId) -> None:
        """Take a socket out; harmless if it is not there."""
        ...

    async def of_user(self, user_id: UserId) -> list[Session]:
        """The user's live sockets on all pods."""
        ...
