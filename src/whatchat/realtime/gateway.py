"""What the engine tells the layer above it."""

from collections.abc import Sequence
from typing import Protocol

from whatchat.domain.errors import ChatError
from whatchat.domain.ids import SessionId
from whatchat.realtime.connection import Connection
from whatchat.realtime.link import Link


class Gateway(Protocol):
    """Stands behind the engine. Of one client it is told one thing at a time, in order."""

    def is_open(self) -> bool:
        """Whether newcomers are taken."""
        ...

    async def admit(
        self, link: Link, session_id: SessionId, auth: object, address: str
    ) -> Connection:
        """Let in, or refuse by raising a ``ChatError``, a client that sent CONNECT."""
        ...

    def refused(self, error: ChatError) -> None:
        """A client was not let in."""
        ...

    def opened(self, connection: Connection) -> None:
        """The client that was let in has been sent CONNECT."""
        ...

    def begin(
        self, connection: Connection, event: str, arguments: Sequence[object], ack_id: int | None
    ) -> bool:
        """Begin what may go on by itself; false, and nothing done, if it is another thing."""
        ...

    async def command(
        self, connection: Connection, event: str, arguments: Sequence[object], ack_id: int | None
    ) -> None:
        """Do what the client asks for."""
        ...

    def gone(self, connection: Connection, reason: str) -> None:
        """The client has left."""
        ...
