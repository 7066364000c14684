"""People who talk, and everything that reaches them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, NamedTuple, Self

import aiohttp
import socketio
from socketio.exceptions import BadNamespaceError

from tests.integration.pods.cluster import Node
from tests.waiting import until
from whatchat.client import WhatchatClient, auth
from whatchat.client.http import Http
from whatchat.domain.ids import Rev, RoomId, UserId

PASSWORD = "correct horse battery staple"


class Heard(NamedTuple):
    """An event as it came."""

    name: str
    data: dict[str, Any]

    @property
    def content(self) -> str:
        """What was said."""
        return str(self.data["message"]["content"])


class Ear:
    """A bare socket that only listens: it holds nothing and forgives nothing."""

    def __init__(self, sio: socketio.AsyncClient, token: str) -> None:
        self.heard: list[Heard] = []
        self.token = token
        self._sio = sio
        sio.on("*", lambda name, data: self.heard.append(Heard(name, data)))

    @classmethod
    @asynccontextmanager
    async def at(cls, node: Node, token: str) -> AsyncIterator[Self]:
        """Listen on a pod."""
        async with aiohttp.ClientSession() as http:
            sio = socketio.AsyncClient(reconnection=False, http_session=http)
            ear = cls(sio, token)
            await sio.connect(node.url, auth={"token": token}, transports=["websocket"])
            try:
                await until(lambda: "session:ready" in ear.names())
                yield ear
            finally:
                await ear.leave()

    async def ask(self, event: str, data: object) -> Any:
        """The answer to a command."""
        return await self._sio.call(event, data, timeout=5)

    async def tell(self, event: str, data: object) -> None:
        """Send a command and wait for no answer; harmless once disconnected."""
        with suppress(BadNamespaceError):
            await self._sio.emit(event, data)

    async def leave(self) -> None:
        """Disconnect; harmless if that has happened."""
        await self._sio.disconnect()

    @property
    def session_id(self) -> str:
        """What the server calls this socket."""
        return str(self._sio.get_sid())

    def names(self) -> list[str]:
        """The names of all events."""
        return [heard.name for heard in self.heard]

    def of(self, room_id: RoomId) -> list[Heard]:
        """What took a rev of a room, in the order of its coming."""
        told = [heard for heard in self.heard if heard.data.get("roomId") == room_id]
        return [heard for heard in told if "rev" in heard.data]

    def revs(self, room_id: RoomId) -> list[Rev]:
        """Its revs."""
        return [heard.data["rev"] for heard in self.of(room_id)]

    def contents(self, room_id: RoomId) -> list[str]:
        """What people said there."""
        return [text for kind, text in self._messages(room_id) if kind == "text"]

    def notes(self, room_id: RoomId) -> list[str]:
        """What was said there of the room itself."""
        return [text for kind, text in self._messages(room_id) if kind == "system"]

    def _messages(self, room_id: RoomId) -> list[tuple[str, str]]:
        new = [heard for heard in self.of(room_id) if heard.name == "message:new"]
        return [(heard.data["message"]["messageType"], heard.content) for heard in new]

    async def reaches(self, room_id: RoomId, rev: int, *, seconds: float = 5.0) -> None:
        """Return once the room's ``rev`` was heard."""
        await until(lambda: rev in self.revs(room_id), seconds=seconds)


class Person(NamedTuple):
    """Somebody with two devices on one pod: one talks, one listens."""

    client: WhatchatClient
    ear: Ear

    @property
    def user_id(self) -> UserId:
        """Who it is."""
        return self.client.user.id


class People:
    """Registers people; ``async with`` disconnects them."""

    def __init__(self) -> None:
        self._connected = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Disconnect everybody; harmless if that has happened."""
        await self._connected.aclose()

    async def at(self, *nodes: Node) -> list[Person]:
        """Somebody on each of these pods."""
        return await asyncio.gather(*map(self._person, nodes))

    async def _person(self, node: Node) -> Person:
        async with Http(node.url) as http:
            sign_in = await auth.register(http, f"p.{secrets.token_hex(6)}", PASSWORD, None)
        connect = self._connected.enter_async_context
        client = await connect(WhatchatClient(node.url, sign_in))
        return Person(client, await connect(Ear.at(node, sign_in.access_token)))


async def room_of(people: list[Person], *, name: str = "Engines") -> RoomId:
    """A room that the first of them has opened and all of them know of."""
    founder, *others = people
    room = await founder.client.create_room(name, [other.user_id for other in others])
    await all_reach(people, room.id, room.rev)
    return room.id


async def all_reach(
    people: Iterable[Person], room_id: RoomId, rev: int, *, seconds: float = 5.0
) -> None:
    """Return once all of them have heard the room's ``rev``."""
    await asyncio.gather(*(one.ear.reaches(room_id, rev, seconds=seconds) for one in people))


def assert_unbroken(ear: Ear, room_id: RoomId, upto: int) -> None:
    """All revs from the first that was heard on, in order, each once."""
    revs = ear.revs(room_id)
    assert revs == list(range(revs[0], upto + 1))
