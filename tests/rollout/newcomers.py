"""People who come all the time: by polling, by WebSocket, and over REST."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, NamedTuple, Self

import aiohttp
import msgspec

from tests.chaos.crowd import PASSWORD
from whatchat.client import auth
from whatchat.client.http import Http
from whatchat.client.tasks import cancel

PATIENCE_SECONDS: Final = 10.0
SEPARATOR: Final = "\x1e"
POLLING: Final = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET: Final = "/socket.io/?EIO=4&transport=websocket"
READY: Final = '42["session:ready"'

Kind = Literal["polling", "websocket", "rest", "regular"]
"""How somebody comes; a regular asks over one connection that stays, and so meets its end."""

KINDS: Final[tuple[Kind, ...]] = ("polling", "websocket", "rest", "regular")


class Try(NamedTuple):
    """Somebody came, and how that went: ``trouble`` says why it did not work.

    A session was ``torn`` that a pod had let in, and that the proxy then took to another: that
    is no refusal, for it comes of a proxy that forgets cookies of pods that end.
    """

    at: float
    kind: Kind
    seconds: float
    trouble: str = ""
    torn: bool = False


class _Refused(Exception):
    """Something else than success was answered; the text says what."""


class _Torn(Exception):
    """A session that was there is not known."""


class Newcomers:
    """Somebody comes so often a second, each kind for itself, until they are told to stop."""

    def __init__(self, url: str, token: str, room_id: str) -> None:
        self.tries: list[Try] = []
        self._url = url
        self._token = token
        self._room_id = room_id
        self._under_way: set[asyncio.Task[None]] = set()
        self._coming: list[asyncio.Task[None]] = []
        self._regular: aiohttp.ClientSession | None = None

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, per_second: float) -> AsyncIterator[Self]:
        """People who come from now on. On leaving, those under way are waited for."""
        async with Http(url) as http:
            sign_in = await auth.register(http, f"n.{secrets.token_hex(4)}", PASSWORD)
        headers = {"Authorization": f"Bearer {sign_in.access_token}"}
        async with aiohttp.ClientSession(url, headers=headers) as session:
            body = {"kind": "group", "name": "The door", "participants": []}
            async with session.post("/api/rooms", json=body) as answer:
                room = (await answer.json())["id"]
            one = cls(url, sign_in.access_token, room)
            one._regular = session
            ways = [(kind, one._way(kind)) for kind in KINDS]
            one._coming = [
                asyncio.create_task(one._come(kind, way, per_second), name=f"door {kind}")
                for kind, way in ways
            ]
            try:
                yield one
            finally:
                await one.stop()

    async def stop(self) -> None:
        """Nobody comes any more; return once all who came know how it went."""
        await cancel(*self._coming)
        await asyncio.gather(*self._under_way)

    def of(self, *kinds: Kind) -> list[Try]:
        """Who came in one of these ways."""
        return [one for one in self.tries if one.kind in kinds]

    def _way(self, kind: Kind) -> Callable[[], Awaitable[None]]:
        ways: dict[Kind, Callable[[], Awaitable[None]]] = {
            "polling": self._polling,
            "websocket": self._websocket,
            "rest": self._rest,
            "regular": self._ask,
        }
        return ways[kind]

    async def _come(
        self, kind: Kind, way: Callable[[], Awaitable[None]], per_second: float
    ) -> None:
        while True:
            await asyncio.sleep(random.expovariate(per_second))
            task = asyncio.create_task(self._tried(kind, way), name="newcomer")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _tried(self, kind: Kind, way: Callable[[], Awaitable[None]]) -> None:
        begun, trouble, torn = time.monotonic(), "", False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await way()
        except _Torn:
            torn = True
        except (_Refused, aiohttp.ClientError, OSError, TimeoutError) as error:
            trouble = f"{type(error).__name__} {error}".strip()
        self.tries.append(Try(begun, kind, time.monotonic() - begun, trouble, torn))

    async def _polling(self) -> None:
        async with aiohttp.ClientSession(self._url) as session:
            [opening, *_] = await self._polled(session, POLLING)
            sid = msgspec.json.decode(opening[1:])["sid"]
            place = f"{POLLING}&sid={sid}"
            try:
                await self._post(session, place, f"40{msgspec.json.encode(self._auth).decode()}")
                while not any(
                    packet.startswith(READY) for packet in await self._polled(session, place)
                ):
                    pass
                await self._post(session, place, "1")
            except _Refused as error:
                if str(error).startswith("400"):
                    raise _Torn from error
                raise

    async def _polled(self, session: aiohttp.ClientSession, path: str) -> list[str]:
        async with session.get(path) as answer:
            return (await _taken(answer)).split(SEPARATOR)

    async def _post(self, session: aiohttp.ClientSession, path: str, packets: str) -> None:
        async with session.post(path, data=packets) as answer:
            await _taken(answer)

    async def _websocket(self) -> None:
        async with (
            aiohttp.ClientSession(self._url) as session,
            session.ws_connect(WEBSOCKET, autoping=False) as socket,
        ):
            await socket.send_str(f"40{msgspec.json.encode(self._auth).decode()}")
            while True:
                message = await socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise _Refused(f"closed with {socket.close_code}")
                if message.data.startswith(READY):
                    return

    async def _rest(self) -> None:
        async with (
            aiohttp.ClientSession(self._url, headers=self._headers) as session,
            session.get("/api/users/me") as answer,
        ):
            await _taken(answer)

    async def _ask(self) -> None:
        """A request that must not be sent twice, over a connection that may have been idle."""
        if self._regular is None:
            raise RuntimeError("nobody has come yet")
        body = {
            "roomId": self._room_id,
            "clientId": secrets.token_urlsafe(18),
            "content": "Here again",
        }
        async with self._regular.post("/api/messages", json=body) as answer:
            await _taken(answer)

    @property
    def _auth(self) -> dict[str, Any]:
        return {"token": self._token}

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


async def _taken(answer: aiohttp.ClientResponse) -> str:
    text = await answer.text()
    if not 200 <= answer.status < 300:
        raise _Refused(f"{answer.status} {text[:100]}")
    return text
