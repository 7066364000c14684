"""Many bare sockets through a proxy, which reconnect when they are moved."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.waiting import until

PAUSE_SECONDS = 0.1


class Member:
    """One socket at a time; ``refused`` holds the statuses of handshakes that failed.

    It goes when it is told to, unless it is ``stubborn``: then it waits until it is closed.
    ``absences`` are the seconds from each leaving to the next greeting.
    """

    def __init__(self, url: str, token: str, jar: aiohttp.abc.AbstractCookieJar) -> None:
        self.stubborn = False
        self.moved = 0
        self.codes: list[int] = []
        self.refused: list[int] = []
        self.absences: list[float] = []
        self.is_here = False
        self._url = f"{url}/socket.io/?EIO=4&transport=websocket"
        self._token = token
        self._http = aiohttp.ClientSession(cookie_jar=jar)
        self._left_at = 0.0

    async def run(self) -> None:
        """Connect, again and again, until cancelled."""
        try:
            while True:
                try:
                    async with self._http.ws_connect(self._url, autoping=True) as socket:
                        await self._listen(socket)
                except aiohttp.WSServerHandshakeError as error:
                    self.refused.append(error.status)
                self.is_here = False
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await self._http.close()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            packet = str(message.data)
            if packet == "2":
                await socket.send_str("3")
            elif packet.startswith("0"):
                await socket.send_str("40" + json.dumps({"token": self._token}))
            elif packet.startswith("42"):
                name, data = json.loads(packet[2:])
                if await self._hear(name, data):
                    break
        self._left_at = time.monotonic()
        if socket.close_code:
            self.codes.append(socket.close_code)

    async def _hear(self, name: str, data: Any) -> bool:
        """Take an event; whether to go now."""
        if name == "session:ready":
            self.is_here = True
            if self._left_at:
                self.absences.append(time.monotonic() - self._left_at)
        if name != "session:moving" or self.stubborn:
            return False
        self.moved += 1
        await asyncio.sleep(data["reconnectAfterMs"] / 1000)
        return True


class Crowd:
    """Members, of whom each other one keeps cookies, and some do not go by themselves."""

    def __init__(self, url: str, tokens: list[str]) -> None:
        self.members = [
            Member(url, token, aiohttp.CookieJar() if number % 2 else aiohttp.DummyCookieJar())
            for number, token in enumerate(tokens)
        ]
        for member in self.members[::10]:
            member.stubborn = True
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self) -> None:
        """Connect all; return once they were greeted."""
        for member in self.members:
            self._tasks.append(asyncio.create_task(member.run()))
            await asyncio.sleep(0.002)
        await self.all_here()

    async def all_here(self) -> None:
        # The benchmark's are 2,000.
        await until(lambda: all(member.is_here for member in self.members), seconds=60)

    async def go(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def all_of(self, what: Callable[[Member], list[Any]]) -> list[Any]:
        return [one for member in self.members for one in what(member)]
