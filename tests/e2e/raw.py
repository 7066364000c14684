"""The contract in bare dicts: what a client sees that trusts nobody's library but the stock one."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any, Protocol, Self

import aiohttp
import socketio

PATIENCE_SECONDS = 30
PASSWORD = "correct horse battery staple"


class Reachable(Protocol):
    """A node, or several behind one address."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Account:
    """Somebody who has registered and signed in."""

    id: str
    username: str
    token: str
    refresh_token: str
    device_id: str


async def rest(
    node: Reachable,
    method: str,
    path: str,
    body: object = None,
    *,
    token: str | None = None,
) -> tuple[int, Any]:
    """The status and the JSON body of an answer, ``None`` where there is none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{node.url}/api{path}", json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json() if answer.status != 204 else None


async def register(node: Reachable, name: str) -> Account:
    """A new account; ``name`` is made unique."""
    body = {"username": f"{name}.{uuid.uuid4().hex[:8]}", "password": PASSWORD}
    status, answer = await rest(node, "POST", "/auth/register", body)
    assert status == 201, answer
    return Account(
        id=answer["user"]["id"],
        username=answer["user"]["username"],
        token=answer["accessToken"],
        refresh_token=answer["refreshToken"],
        device_id=answer["deviceId"],
    )


async def direct_room(node: Reachable, account: Account, other: Account) -> str:
    """The pair's room."""
    body = {"kind": "direct", "participants": [other.id]}
    status, room = await rest(node, "POST", "/rooms", body, token=account.token)
    assert status in {200, 201}, room
    room_id: str = room["id"]
    return room_id


async def history(node: Reachable, account: Account, room_id: str) -> list[dict[str, Any]]:
    """Every message of a room, oldest first."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        path = f"/messages/{room_id}?after={after}&limit=200"
        status, page = await rest(node, "GET", path, token=account.token)
        assert status == 200, page
        found += page["messages"]
        if not page["hasMore"]:
            return found
        after = found[-1]["seq"]


class Socket:
    """A connected socket that keeps what it hears, in order, and never reconnects."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._socket = socketio.AsyncClient(reconnection=False, http_session=http)
        self._heard: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._socket.on("*", self._hear)
        self._asked: set[asyncio.Future[dict[str, Any]]] = set()

    @classmethod
    async def connect(
        cls, node: Reachable, account: Account, transports: tuple[str, ...] = ("websocket",)
    ) -> Self:
        """Connect and take the greeting."""
        socket = cls(aiohttp.ClientSession())
        await socket._socket.connect(
            node.url, auth={"token": account.token}, transports=list(transports)
        )
        await socket.hear("session:ready")
        return socket

    async def ask(self, event: str, data: object) -> dict[str, Any]:
        """The ack of a command; ``ConnectionError`` if the line is cut before it comes."""
        asked: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked.add(asked)
        try:
            await self._socket.emit(event, data, callback=asked.set_result)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asked
        finally:
            self._asked.discard(asked)

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next event."""
        return await self._heard.get()

    async def hear(self, event: str) -> dict[str, Any]:
        """The data of the next event of this name; who is online may come between, nothing else."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            name, data = await self.next()
            while name == "user:status" != event:
                name, data = await self.next()
        assert name == event, data
        return data

    async def hear_all(self, event: str, count: int) -> list[dict[str, Any]]:
        """The data of the next events, which must be of this name."""
        return [await self.hear(event) for _ in range(count)]

    async def close(self) -> None:
        """Disconnect."""
        await self._socket.disconnect()
        await self._http.close()

    async def abort(self) -> None:
        """Give up on a node that is gone, and on every ack that is awaited."""
        for asked in self._asked:
            if not asked.done():
                asked.set_exception(ConnectionError())
        await self._socket.eio.disconnect(abort=True)
        await self._http.close()

    async def _hear(self, event: str, data: dict[str, Any]) -> None:
        await self._heard.put((event, data))
