"""Clients without any cleverness: what was sent, what came back, nothing retried or hidden."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from multidict import CIMultiDictProxy
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from yarl import URL

PATIENCE_SECONDS: Final = 5.0
ARRIVAL_SECONDS: Final = 0.1  # within which a request has surely reached the server
SEPARATOR: Final = "\x1e"
UNASKED: Final = ("Accept-Encoding", "Content-Type", "User-Agent")

Packet = str | bytes
Body = str | bytes | AsyncIterable[bytes]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it came, compressed or not."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def packets(self) -> list[str]:
        """The packets of a payload."""
        return self.text.split(SEPARATOR)


class WebSocket:
    """A WebSocket that keeps what arrives, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, *packets: Packet) -> None:
        """Send each in a message of its own."""
        for packet in packets:
            await self.connection.send(packet)

    async def hear(self, *, seconds: float = PATIENCE_SECONDS) -> Packet:
        """The next message; fails if none comes in time."""
        try:
            async with asyncio.timeout(seconds):
                return await self.connection.recv()
        except TimeoutError:
            raise AssertionError(f"nothing came within {seconds} s") from None
        except ConnectionClosed:
            raise AssertionError(f"closed with {self.connection.close_code}") from None

    async def hear_all(self, count: int) -> list[Packet]:
        """So many messages."""
        return [await self.hear() for _ in range(count)]

    async def handshake(self) -> dict[str, Any]:
        """The payload of the Engine.IO handshake, which must be the next message."""
        return opening(str(await self.hear()))

    async def ended(self, *, seconds: float = PATIENCE_SECONDS) -> int:
        """The code that the server closes with: 1005 without a code, 1006 without a frame."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code or 1006
        except TimeoutError:
            raise AssertionError(f"not closed within {seconds} s") from None

    async def hear_no_more(self, *, seconds: float = PATIENCE_SECONDS) -> int:
        """The same, if nothing arrives before."""
        try:
            async with asyncio.timeout(seconds):
                raise AssertionError(f"{await self.connection.recv()!r} came")
        except ConnectionClosed:
            return self.connection.close_code or 1006
        except TimeoutError:
            raise AssertionError(f"not closed within {seconds} s") from None

    async def is_silent(self, *, seconds: float = 0.2) -> bool:
        """Whether nothing arrives for so long; fails if it is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.connection.recv()
                return False
        return True

    async def close(self) -> None:
        """Close, and return once the server has agreed."""
        await self.connection.close()

    def abort(self) -> None:
        """Cut the line."""
        self.connection.transport.abort()


class Server:
    """The path of one Engine.IO server; leaving the block closes what was opened in it."""

    def __init__(self, port: int, path: str = "/engine.io/") -> None:
        self._place = f"127.0.0.1:{port}{path}"
        self._ends = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            auto_decompress=False,
            skip_auto_headers=UNASKED,
            timeout=aiohttp.ClientTimeout(total=3 * PATIENCE_SECONDS),
        )
        await self._ends.enter_async_context(self._http)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._ends.aclose()

    async def ask(
        self,
        query: str,
        method: str = "GET",
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request on a connection of its own."""
        url = URL(f"http://{self._place}?{query}", encoded=True)
        typed = {} if body is None else {"Content-Type": "text/plain;charset=UTF-8"}
        async with self._http.request(
            method, url, data=body, headers=typed | dict(headers or {})
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def polling(self) -> "Polling":
        """A new session over polling."""
        answer = await self.ask("EIO=4&transport=polling")
        assert answer.status == 200, answer
        return Polling(self, str(opening(answer.text)["sid"]))

    async def websocket(
        self,
        query: str = "EIO=4&transport=websocket",
        *,
        compression: str | None = None,
        address: str = "127.0.0.1",
    ) -> WebSocket:
        """A new WebSocket, whatever it says; raises ``InvalidStatus`` if it is refused."""
        connection = await connect(
            f"ws://{self._place}?{query}",
            compression=compression,
            ping_interval=None,
            close_timeout=1,
            max_size=None,
            max_queue=None,
            proxy=None,
            local_addr=(address, 0),
        )
        self._ends.push_async_callback(connection.close)
        return WebSocket(connection)

    async def session(self, *, address: str = "127.0.0.1") -> WebSocket:
        """A new session over WebSocket, after the handshake."""
        socket = await self.websocket(address=address)
        await socket.handshake()
        return socket


class Polling:
    """A session over polling."""

    def __init__(self, server: Server, sid: str) -> None:
        self.sid = sid
        self.query = f"EIO=4&transport=polling&sid={sid}"
        self._server = server

    async def get(self, headers: Mapping[str, str] | None = None) -> Answer:
        """Take what there is, or wait for it."""
        return await self._server.ask(self.query, headers=headers)

    async def waiting(self) -> asyncio.Task[Answer]:
        """A GET that has reached the server."""
        request = asyncio.create_task(self.get())
        await asyncio.sleep(ARRIVAL_SECONDS)
        return request

    async def post(self, body: Body, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a payload."""
        return await self._server.ask(self.query, "POST", body, headers)

    async def say(self, *packets: str) -> None:
        """Send packets, which the server must take."""
        answer = await self.post(SEPARATOR.join(packets))
        assert (answer.status, answer.text) == (200, "ok"), answer

    async def hear(self) -> list[str]:
        """The packets of the next payload."""
        answer = await self.get()
        assert answer.status == 200, answer
        return answer.packets

    async def hear_all(self, count: int) -> list[str]:
        """So many packets, in as many payloads as it takes."""
        packets: list[str] = []
        while len(packets) < count:
            packets += await self.hear()
        return packets

    async def is_over(self) -> bool:
        """Whether the server knows nothing of the session any more."""
        answers = [await self.get(), await self.post("4hello")]
        return all(answer.status == 400 and b"Session ID" in answer.body for answer in answers)

    async def upgrading(self) -> WebSocket:
        """A WebSocket that carries the session's id, before the probe."""
        return await self._server.websocket(f"EIO=4&transport=websocket&sid={self.sid}")

    async def probed(self) -> WebSocket:
        """The same after the probe, which has been answered."""
        socket = await self.upgrading()
        await socket.send("2probe")
        assert await socket.hear() == "3probe"
        return socket


async def connected(
    server: Server, namespace: str = "/", auth: str = "", *, address: str = "127.0.0.1"
) -> WebSocket:
    """A WebSocket that is in a namespace of the echo and has heard of its ``auth``."""
    socket = await server.session(address=address)
    await join(socket, namespace, auth)
    return socket


async def join(socket: WebSocket, namespace: str = "/", auth: str = "") -> str:
    """Connect to a namespace of the echo; the id that it gives."""
    prefix = "" if namespace == "/" else f"{namespace},"
    await socket.send(f"40{prefix}{auth}")
    answer, echo = map(str, await socket.hear_all(2))
    assert answer.startswith(f"40{prefix}"), answer
    payload = json.loads(answer.removeprefix(f"40{prefix}"))
    assert payload.keys() == {"sid"}
    assert echo == f'42{prefix}["auth",{auth or "{}"}]'
    return str(payload["sid"])


def opening(packet: str) -> dict[str, Any]:
    """The payload of an Engine.IO handshake."""
    assert packet[:1] == "0", packet
    payload: dict[str, Any] = json.loads(packet[1:])
    return payload
