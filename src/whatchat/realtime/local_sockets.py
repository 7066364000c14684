"""A pod's own sockets, for those who run it."""

import asyncio
from collections.abc import AsyncIterator
from heapq import nsmallest
from typing import Final

from whatchat.domain.ids import UserId
from whatchat.domain.ports.local_sockets import LocalSocket
from whatchat.observability.logging import hashed
from whatchat.realtime.connection import Connection
from whatchat.realtime.hub import Hub
from whatchat.realtime.leases import Leases
from whatchat.realtime.link import DRAINING

HASHED_AT_ONCE: Final = 500
"""Between so many, whoever waits for the loop has a turn: a pod holds tens of thousands."""


class HubSockets:
    """Implements ``LocalSockets``."""

    def __init__(self, hub: Hub, leases: Leases) -> None:
        self._hub = hub
        self._leases = leases

    def count(self) -> int:
        return len(self._hub)

    async def page(
        self, *, user_id: UserId | None, after: str | None, limit: int
    ) -> list[LocalSocket]:
        found = [
            (name, connection)
            async for name, connection in self._named(user_id)
            if after is None or name > after
        ]
        page = nsmallest(limit, found, key=lambda one: one[0])
        return [self._shown(name, connection) for name, connection in page]

    async def close(self, socket: str) -> LocalSocket | None:
        async for name, connection in self._named(None):
            if name == socket and connection.closing is None:
                closed = self._shown(name, connection)
                connection.close(DRAINING)
                return closed
        return None

    async def _named(self, user_id: UserId | None) -> AsyncIterator[tuple[str, Connection]]:
        for number, connection in enumerate(self._of(user_id), 1):
            yield hashed(connection.session_id), connection
            if number % HASHED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _of(self, user_id: UserId | None) -> list[Connection]:
        if user_id is None:
            return list(self._hub)
        user = self._hub.user(user_id)
        return list(user.connections.values()) if user else []

    def _shown(self, name: str, connection: Connection) -> LocalSocket:
        actor = connection.actor
        user = self._hub.user(actor.user_id)
        session = self._leases.session(connection.session_id)
        return LocalSocket(
            socket=name,
            user_id=actor.user_id,
            device_id=actor.device_id,
            address=actor.address,
            transport=connection.transport,
            since=session.since if session else None,
            rooms=len(user.rooms) if user else 0,
        )
