"""Clients of every kind, who all talk in one room."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, NamedTuple

import aiohttp

from tests.waiting import until
from whatchat.client import POLLING_FIRST, WEBSOCKET_FIRST, WhatchatClient
from whatchat.client.views import Transports
from whatchat.domain.ids import RoomId

PASSWORD: Final = "correct horse battery staple"
HELD_SECONDS: Final = 20


class Ways(NamedTuple):
    """How a client connects, and whether it keeps cookies."""

    transports: Transports
    cookies: bool = True


WAYS: Final[Mapping[str, Ways]] = {
    "polling first": Ways(POLLING_FIRST),
    "polling alone": Ways(("polling",)),
    "websocket first": Ways(WEBSOCKET_FIRST),
    "no cookies": Ways(("websocket",), cookies=False),
}


class Guests:
    """What each says is on record once it is acknowledged, and must be held by all, once."""

    def __init__(self, clients: Mapping[tuple[str, str], WhatchatClient], room: RoomId) -> None:
        self.clients = clients
        self._room = room
        self._said: list[str] = []

    async def talk(self, rounds: int = 1) -> None:
        """Everybody says something, all at a time, in each round."""
        for _ in range(rounds):
            await asyncio.gather(*(self._say(client) for client in self.clients.values()))

    async def talk_during(self, event: asyncio.Task[None]) -> None:
        """Go on talking until it is over, and a round longer."""
        while not event.done():
            await self.talk()
        await event
        await self.talk()

    async def all_hold_everything(self) -> None:
        """Fail unless soon everybody holds all that was acknowledged, and nothing twice."""
        said = sorted(self._said)
        for who, client in self.clients.items():
            try:
                await until(lambda: self._held_by(client) == said, seconds=HELD_SECONDS)  # noqa: B023
            except AssertionError:
                held = self._held_by(client)
                lost = sorted(set(said) - set(held))
                raise AssertionError(f"{who}: {len(held)} of {len(said)}, lost {lost}") from None

    async def _say(self, client: WhatchatClient) -> None:
        content = secrets.token_hex(8)
        await client.send(self._room, content)
        self._said.append(content)

    def _held_by(self, client: WhatchatClient) -> list[str]:
        return sorted(message.content for message in client.messages(self._room))


@asynccontextmanager
async def guests(urls: Mapping[str, str]) -> AsyncIterator[Guests]:
    """One guest of each way at each URL."""
    async with AsyncExitStack() as ends:
        clients = {}
        for where, url in urls.items():
            for way, ways in WAYS.items():
                clients[where, way] = await ends.enter_async_context(await _guest(url, ways))
        host, *others = clients.values()
        room = await host.create_room("Tea", [client.user.id for client in others])
        await until(lambda: all(client.room(room.id) for client in others))
        yield Guests(clients, room.id)


async def _guest(url: str, ways: Ways) -> WhatchatClient:
    client = await WhatchatClient.register(
        url, f"g.{secrets.token_hex(6)}", PASSWORD, transports=ways.transports, patience=30
    )
    if not ways.cookies:
        client._http.session._cookie_jar = aiohttp.DummyCookieJar()
    return client
