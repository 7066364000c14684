"""A network that does as it is told, and an engine behind it."""

import asyncio
from types import SimpleNamespace
from typing import Any, Self

from tests.conformance.rfc6455_frames import CLOSE, PING, TEXT, Frame
from whatchat.realtime.engine import Engine
from whatchat.realtime.link import Scope, Transport
from whatchat.realtime.polling import Polling
from whatchat.realtime.session import Session
from whatchat.realtime.websocket import WebSocketProtocol

HEAD = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: c2l4dGVlbiBvY3RldHMhIQ==\r\n\r\n"
)


class Listener:
    """Notes what it hears; ``pauses_at``: the session pauses after so many messages."""

    def __init__(self) -> None:
        self.open = True
        self.pauses_at = 0
        self.heard: list[str | bytes] = []
        self.ends: list[str] = []

    def is_open(self) -> bool:
        return self.open

    def opened(self, session: Session, scope: Scope) -> None: ...

    def received(self, session: Session, message: str | bytes) -> None:
        self.heard.append(message)
        if len(self.heard) == self.pauses_at:
            session.pause()

    def ended(self, session: Session, reason: str) -> None:
        self.ends.append(reason)


class Network:
    """A transport of asyncio's: what the peer has ``room`` for leaves at once, the rest waits.

    ``writes``: the size of each.
    """

    def __init__(self) -> None:
        self.protocol: WebSocketProtocol
        self.sent = b""
        self.writes: list[int] = []
        self.late = b""  # written when it was too late
        self.ended = ""
        self.reading = True
        self.room = 2**40
        self._waiting = b""
        self._is_full = False

    def write(self, data: bytes) -> None:
        if self.ended:
            self.late += data
            return
        self.writes.append(len(data))
        self._waiting += data
        self._push()
        if self._waiting and not self._is_full:
            self._is_full = True
            self.protocol.pause_writing()

    def clear(self, room: int = 2**40) -> None:
        """The peer reads so much."""
        self.room = room
        self._push()
        if self._is_full and not self._waiting:
            self._is_full = False
            self.protocol.resume_writing()

    def _push(self) -> None:
        leaving, self._waiting = self._waiting[: self.room], self._waiting[self.room :]
        self.sent += leaving
        self.room -= len(leaving)

    def get_write_buffer_size(self) -> int:
        return len(self._waiting)

    def is_closing(self) -> bool:
        return self.ended in {"close", "abort", "lost"}

    def close(self) -> None:
        self.ended = "close"

    def abort(self) -> None:
        self.ended = "abort"
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def write_eof(self) -> None:
        self.ended = "eof"

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return ("192.0.2.1", 1234) if name == "peername" else None


async def settled() -> None:
    """Return once what was written has reached the network: a turn of the loop goes out as one."""
    for _ in range(2):
        await asyncio.sleep(0)


class Line:
    """A WebSocket that has shaken hands; :meth:`open` forgets what that sent.

    With the ``sid`` of a session it is to take that over.
    """

    def __init__(self, engine: Engine, sid: str = "") -> None:
        self.network = Network()
        self.protocol = engine.websocket(
            config=None, server_state=SimpleNamespace(connections=set()), app_state={}
        )
        self.network.protocol = self.protocol
        self.protocol.connection_made(self.network)
        upgrade = f"websocket&sid={sid}" if sid else "websocket"
        self.protocol.data_received(HEAD.replace(b"websocket", upgrade.encode(), 1))
        (self.session,) = (
            session
            for session in engine.sessions.values()
            if session.sid == sid or session.carrier is self.protocol
        )

    @classmethod
    async def open(cls, engine: Engine, sid: str = "") -> Self:
        line = cls(engine, sid)
        await settled()
        line.network.sent = b""
        line.network.writes.clear()
        return line

    def say(self, *frames: Frame) -> None:
        """All of it in one read."""
        self.protocol.data_received(b"".join(frame.encode() for frame in frames))

    def half_close(self) -> None:
        """The peer says that nothing more comes: the transport then closes itself."""
        self.protocol.eof_received()
        self.network.close()

    def cut(self) -> None:
        self.network.ended = "lost"
        self.protocol.connection_lost(None)


def engine_of(listener: Listener, **options: Any) -> Engine:
    return Engine(listener, Transport(), **options)


def polled(engine: Engine, address: str = "192.0.2.1") -> tuple[Session, Polling]:
    """A session over polling, after its handshake."""
    polling = Polling()
    session = engine.open(scope("polling", address), polling)
    polling.take()
    return session, polling


def scope(transport: str, address: str = "192.0.2.1", sid: str = "") -> Scope:
    query = f"EIO=4&transport={transport}" + (f"&sid={sid}" if sid else "")
    return {
        "type": "http",
        "method": "GET",
        "path": "/socket.io/",
        "query_string": query.encode(),
        "headers": [],
        "client": (address, 1234),
    }


def text(message: str) -> Frame:
    return Frame(opcode=TEXT, payload=message.encode())


def ping(data: bytes = b"") -> Frame:
    return Frame(opcode=PING, payload=data)


def close(code: int) -> Frame:
    return Frame(opcode=CLOSE, payload=code.to_bytes(2, "big"))
