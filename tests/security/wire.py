"""A WebSocket with nothing around it that would mend what is sent."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_SECONDS = 5.0


class Wire:
    """Speaks Socket.IO by hand; ``heard`` is every event that came, in order."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.heard: list[tuple[str, Any]] = []
        self.refusal: dict[str, Any] = {}
        self.ready: dict[str, Any] = {}
        self._acks: dict[int, Any] = {}
        self._ids = count(1)
        self.opening: dict[str, Any] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, **options: Any) -> AsyncIterator["Wire"]:
        """Shake hands; nobody is signed in yet."""
        async with connect(url, compression=None, proxy=None, **options) as ws:
            wire = cls(ws)
            wire.opening = json.loads(str(await ws.recv())[1:])
            yield wire

    async def connect(self, auth: object) -> None:
        """Send CONNECT, and return once it is refused or all is ready."""
        await self.ws.send("40" + json.dumps(auth))
        await self._until(lambda: self.refusal or self.ready)

    async def ask(self, event: str, *arguments: object) -> Any:
        """The ack of a command."""
        number = next(self._ids)
        await self.ws.send(f"42{number}" + json.dumps([event, *arguments]))
        await self._until(lambda: number in self._acks)
        return self._acks[number]

    async def hear(self, event: str) -> Any:
        """The data of the first event of that name, once it has come."""
        await self._until(lambda: any(name == event for name, _ in self.heard))
        return next(data for name, data in self.heard if name == event)

    async def settled(self) -> None:
        """Return once the server has done all that was asked for, and told what follows."""
        await self.ask("presence:get", {"userIds": []})

    async def closed(self) -> int | None:
        """The code that the server closes with."""
        async with _patiently():
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self._take(str(await self.ws.recv()))
        return self.ws.close_code

    def said(self) -> str:
        """All that this socket was ever told, for what must not be in there."""
        return json.dumps([self.heard, list(self._acks.values())], ensure_ascii=False)

    def names(self) -> list[str]:
        return [name for name, _ in self.heard]

    async def _until(self, reached: Any) -> None:
        async with _patiently():
            while not reached():
                try:
                    packet = str(await self.ws.recv())
                except ConnectionClosed as error:
                    raise AssertionError(f"closed with {self.ws.close_code}") from error
                await self._take(packet)

    async def _take(self, packet: str) -> None:
        if packet == "2":
            await self.ws.send("3")
        elif packet.startswith("44"):
            self.refusal = json.loads(packet[2:])
        elif packet.startswith("42"):
            name, *data = json.loads(packet[2:])
            self.heard.append((name, data[0] if data else None))
            if name == "session:ready":
                self.ready = data[0]
        elif packet.startswith("43"):
            number, _, ack = packet[2:].partition("[")
            self._acks[int(number)] = json.loads("[" + ack)[0]


@asynccontextmanager
async def _patiently() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield
    except TimeoutError:
        raise AssertionError("what should have come did not") from None
