"""The stock python-socketio client, as tests use it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import socketio

from tests.e2e.node_process import NodeProcess

PATIENCE_SECONDS = 10
PASSWORD = "correct horse battery staple"


class Client:
    """A connected socket that keeps what it hears, in order."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.socket = socketio.AsyncClient(reconnection=False, http_session=http)
        self.heard: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.socket.on("*", self._hear)

    async def _hear(self, event: str, data: dict[str, Any]) -> None:
        await self.heard.put((event, data))

    async def hear(self, event: str) -> dict[str, Any]:
        """The data of the next event of this name; only who comes and goes may be told before."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (heard := await self.heard.get())[0] != event:
                assert heard[0] == "user:status"
        return heard[1]

    async def ask(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        """The ack of a command."""
        ack: dict[str, Any] = await self.socket.call(event, data, timeout=PATIENCE_SECONDS)
        return ack


@asynccontextmanager
async def connected(
    node: NodeProcess, token: str, transports: list[str], **auth: str
) -> AsyncIterator[Client]:
    """A client; ``auth`` is what its CONNECT carries besides the token."""
    async with aiohttp.ClientSession() as http:
        client = Client(http)
        await client.socket.connect(node.url, auth={"token": token, **auth}, transports=transports)
        try:
            yield client
        finally:
            await client.socket.disconnect()


async def registered(node: NodeProcess, name: str) -> dict[str, Any]:
    """Somebody of that name, signed in."""
    body = {"username": f"{name}.{uuid.uuid4().hex[:8]}", "password": PASSWORD}
    async with (
        aiohttp.ClientSession(node.url) as session,
        session.post("/api/auth/register", json=body) as answer,
    ):
        assert answer.status == 201
        person: dict[str, Any] = await answer.json()
        return person
