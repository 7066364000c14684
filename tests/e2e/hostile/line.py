"""A connection to a node, byte by byte, and how the node deals with whoever holds it."""

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Self

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
WEBSOCKET_PATH: Final = "/socket.io/?EIO=4&transport=websocket"
POLLING_PATH: Final = "/socket.io/?EIO=4&transport=polling"
MARKER: Final = 7_777_777

_LONGEST: Final = 1 << 20


class Ending(NamedTuple):
    """How the node dealt with a client.

    ``http``: it answered with a status; ``closed``: by a WebSocket close code, 0 for an
    Engine.IO close packet on polling; ``untold``: so closed without the ``session:closing``
    that belongs before it; ``cut``: the connection ended without a word; ``refused``: CONNECT
    with a good token was;
    ``served``: the client was answered and may go on; ``open``: nothing of all that.
    """

    how: Literal["http", "closed", "untold", "refused", "cut", "served", "open"]
    code: int = 0

    def __str__(self) -> str:
        return f"{self.how} {self.code}" if self.code else self.how


CUT: Final = Ending("cut")
SERVED: Final = Ending("served")
OPEN: Final = Ending("open")
POLLED_OUT: Final = Ending("closed", 0)


class Over(Exception):
    """The node has ended the connection."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(str(ending))
        self.ending = ending


class Response(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Target:
    """A node, and the token of an account that may talk to it."""

    port: int
    token: str


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    announced: int | None = None,
) -> bytes:
    """A client's frame, masked with zeros; ``announced`` is the length that it claims."""
    size = len(payload) if announced is None else announced
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 1 << 16:
        head += bytes([mask | 126]) + size.to_bytes(2)
    else:
        head += bytes([mask | 127]) + size.to_bytes(8)
    return head + bytes(4 if masked else 0) + payload


def text(packet: str) -> bytes:
    """A text frame."""
    return frame(TEXT, packet.encode())


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """An HTTP request as it is, without a length unless ``headers`` say one."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def handshake(*headers: str, sid: str = "", method: str = "GET") -> bytes:
    """A WebSocket handshake; ``headers`` come in place of version and key."""
    own = headers or ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    path = WEBSOCKET_PATH + (f"&sid={sid}" if sid else "")
    return request(method, path, "Upgrade: websocket", "Connection: Upgrade", *own)


ORDINARY: Final = text(f'42{MARKER}["sync",{{"cursors":{{}},"only":true}}]')


class Line:
    """One TCP connection.

    While anybody reads, Engine.IO's PINGs and a close are answered, unless told otherwise;
    nothing else happens by itself.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.joined = False
        self.answers_pings = True
        self.answers_close = True
        self.sid = ""
        self._reader = reader
        self._writer = writer
        self._told: int | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, target: Target, *, receive_buffer: int = 0) -> AsyncIterator[Self]:
        """Connect, from an address of its own: a node may bound what one address holds."""
        with contextlib.closing(socket.socket()) as plug:
            plug.setblocking(False)
            if receive_buffer:
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            plug.bind((f"127.{random.randrange(1, 255)}.{random.randrange(256)}.1", 0))
            await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", target.port))
            reader, writer = await asyncio.open_connection(sock=plug, limit=_LONGEST)
            try:
                yield cls(reader, writer)
            finally:
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def send(self, data: bytes) -> bool:
        """Send at the pace of the network; whether there is still somebody to send to."""
        await asyncio.sleep(0)  # drain() gives way to nobody while the network takes all
        if self._writer.is_closing():
            return False
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            return False
        return True

    async def feed(self, data: bytes, *, every: float = 0.0) -> None:
        """Send this again and again, until there is nobody to send it to."""
        going = True
        while going:
            going = await self.send(data)
            await asyncio.sleep(every)

    def stop_reading(self) -> None:
        """Take nothing from the network any more."""
        transport = self._writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    # HTTP.

    async def response(self) -> Response:
        """The next HTTP answer; raises :class:`Over` if there is none."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
            body = await self._reader.readexactly(int(fields.get("content-length", 0)))
        except (asyncio.IncompleteReadError, OSError):
            raise Over(CUT) from None
        return Response(int(head.split()[1]), body)

    async def answer(self) -> Ending:
        """How a request fares."""
        try:
            return Ending("http", (await self.response()).status)
        except Over as over:
            return over.ending

    # WebSocket, Engine.IO, Socket.IO.

    async def upgrade(self, *headers: str) -> None:
        """Become a WebSocket and take Engine.IO's greeting."""
        await self.send(handshake(*headers))
        response = await self.response()
        if response.status != 101:
            raise Over(Ending("http", response.status))
        self.sid = json.loads((await self.text())[1:])["sid"]

    async def join(self, target: Target) -> None:
        """Become a connected client, greeted and all."""
        await self.upgrade()
        await self.send(text(f'40{{"token":"{target.token}"}}'))
        if not (await self.text()).startswith("40"):
            raise Over(Ending("refused"))
        await self.text()
        self.joined = True

    async def text(self) -> str:
        """The next text message; raises :class:`Over` if there is none."""
        while True:
            opcode, payload = await self._frame()
            if opcode == CLOSE:
                raise Over(await self._closed(int.from_bytes(payload[:2])))
            if opcode == TEXT and not await self._is_answered(payload.decode()):
                return payload.decode()

    async def ending(self) -> Ending:
        """How the connection ends, however long that takes."""
        try:
            while True:
                await self.text()
        except Over as over:
            return over.ending

    async def ask(self, command: bytes) -> Any:
        """The first argument of the ack of a command, whose id is :data:`MARKER`."""
        await self.send(command)
        ack = f"43{MARKER}"
        while not (answer := await self.text()).startswith(ack):
            pass
        return json.loads(answer.removeprefix(ack))[0]

    async def served(self) -> Ending:
        """Whether an ordinary command is still answered."""
        try:
            await self.ask(ORDINARY)
        except Over as over:
            return over.ending
        return SERVED

    async def _frame(self) -> tuple[int, bytes]:
        try:
            first, size = await self._reader.readexactly(2)
            if size > 125:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
            return first & 0x0F, await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            raise Over(CUT) from None

    async def _is_answered(self, packet: str) -> bool:
        if packet == "2":
            if self.answers_pings:
                await self.send(text("3"))
        elif packet.startswith('42["session:closing"'):
            self._told = json.loads(packet[2:])[1]["code"]
        elif packet.startswith('42["user:status"'):
            pass  # others come and go
        else:
            return False
        return True

    async def _closed(self, code: int) -> Ending:
        if self.answers_close:
            await self.send(frame(CLOSE, code.to_bytes(2)))
        with contextlib.suppress(OSError):
            while await self._reader.read(_LONGEST):
                pass
        is_told = not self.joined or self._told == code
        return Ending("closed" if is_told else "untold", code)
