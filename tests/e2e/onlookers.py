"""Clients that look on while their node ends: bare ones, stock ones, and one that goes on."""

import asyncio
import json
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiohttp
import socketio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account
from tests.waiting import until
from whatchat.client import WhatchatClient
from whatchat.domain.ids import RoomId

SCRIPT = Path(__file__).parents[1] / "js" / "resumes.mjs"


class Wire:
    """A bare WebSocket, with all that came over it and when."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.heard: list[tuple[float, str]] = []
        self.closed_at = 0.0
        self._acks = 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, node: NodeProcess, account: Account) -> Self:
        """Connect and be greeted."""
        url = f"ws://127.0.0.1:{node.port}/socket.io/?EIO=4&transport=websocket"
        wire = cls(await connect(url))
        await wire.ws.send("40" + json.dumps({"token": account.token}))
        await until(lambda: bool(wire.packets('42["session:ready"')))
        return wire

    async def ask(self, event: str, data: object) -> int:
        """Send a command; the number that its ack will have."""
        self._acks += 1
        await self.ws.send(f"42{self._acks}" + json.dumps([event, data]))
        return self._acks

    async def answered(self, event: str, data: object) -> Any:
        """What a command is answered."""
        number = await self.ask(event, data)
        await until(lambda: self.answer(number) is not None)
        return self.answer(number)

    def answer(self, number: int) -> Any:
        """What a command was answered, ``None`` while it was not."""
        found = self.packets(f"43{number}[")
        return json.loads(found[0].partition("[")[2][:-1]) if found else None

    def packets(self, prefix: str = "") -> list[str]:
        return [packet for _, packet in self.heard if packet.startswith(prefix)]

    def moves(self) -> list[float]:
        """The seconds after which it was told to reconnect."""
        told = self.packets('42["session:moving"')
        return [json.loads(packet[2:])[1]["reconnectAfterMs"] / 1000 for packet in told]

    async def gone(self) -> int:
        """The code that it was closed with."""
        await self._reading
        return self.ws.close_code or 0

    async def close(self) -> None:
        await self.ws.close()
        await self._reading

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                packet = str(await self.ws.recv())
                self.heard.append((time.monotonic(), packet))
        self.closed_at = time.monotonic()


class Poller:
    """A client that polls, without any library around it."""

    def __init__(self, http: aiohttp.ClientSession, node: NodeProcess) -> None:
        self.packets: list[str] = []
        self._http = http
        self._url = f"{node.url}/socket.io/?EIO=4&transport=polling"

    async def open(self, account: Account) -> None:
        _, opened = await self.get()
        self._url += "&sid=" + json.loads(opened[1:])["sid"]
        body = "40" + json.dumps({"token": account.token})
        async with self._http.post(self._url, data=body) as answer:
            assert answer.status == 200
        while not any("session:ready" in packet for packet in self.packets):
            await self.get()

    async def get(self) -> tuple[int, str]:
        async with self._http.get(self._url) as answer:
            text = await answer.text()
            self.packets += text.split("\x1e")
            return answer.status, text

    async def poll_to_the_end(self) -> None:
        while self.packets[-1] != "1":
            await self.get()


class Stock:
    """A stock client that is left to itself, and what it lives through."""

    def __init__(self, lived: list[tuple[str, Any]]) -> None:
        self.lived = lived

    @classmethod
    @asynccontextmanager
    async def in_python(cls, node: NodeProcess, account: Account) -> AsyncIterator[Self]:
        stock = cls([])
        async with aiohttp.ClientSession() as http:
            sio = socketio.AsyncClient(
                reconnection_delay=0.1, reconnection_delay_max=0.5, http_session=http
            )
            sio.on("*", lambda event, data: stock.lived.append((event, data)))
            sio.on("disconnect", lambda reason: stock.lived.append(("disconnect", reason)))
            await sio.connect(
                node.url, auth={"token": account.token}, transports=["websocket"], wait_timeout=5
            )
            yield stock
            await sio.disconnect()

    @classmethod
    @asynccontextmanager
    async def in_javascript(cls, node: NodeProcess, account: Account) -> AsyncIterator[Self]:
        stock = cls([])
        process = await asyncio.create_subprocess_exec(
            "node", str(SCRIPT), node.url, account.token, stdout=PIPE
        )

        async def read() -> None:
            assert process.stdout
            async for line in process.stdout:
                event, data = json.loads(line)
                stock.lived.append((event, data))

        reading = asyncio.create_task(read())
        try:
            yield stock
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading

    def session(self) -> list[tuple[str, Any]]:
        """What concerned the connection, messages left out."""
        return [
            (event, data)
            for event, data in self.lived
            if event == "disconnect" or event.startswith("session:")
        ]

    async def is_back(self) -> None:
        await until(lambda: self.greetings() == 2, seconds=20)

    def greetings(self) -> int:
        return [event for event, _ in self.lived].count("session:ready")


class Sending:
    """Somebody who goes on talking, whatever happens."""

    def __init__(self, client: WhatchatClient, room_id: RoomId) -> None:
        self.sent: list[str] = []
        self._client = client
        self._room_id = room_id
        self._stopped = False
        self._task = asyncio.create_task(self._talk())

    async def stop(self) -> list[str]:
        """All that was accepted."""
        self._stopped = True
        await self._task
        return self.sent

    async def _talk(self) -> None:
        while not self._stopped:
            content = f"message {len(self.sent)}"
            await self._client.send(self._room_id, content)
            self.sent.append(content)
            await asyncio.sleep(0.02)
