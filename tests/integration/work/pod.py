"""A pod's sockets in the test's own process, and clients with no network between."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from loadtests.bench.frames import say as said
from loadtests.bench.ours.sockets import sockets
from loadtests.bench.people import SECRET, Person, people
from tests.unit.realtime.network import HEAD, scope
from whatchat.entrypoints.handshake import HandshakePolicy
from whatchat.realtime.websocket import WebSocketProtocol
from whatchat.settings import Settings

TURNS: Final = 12
"""After so many turns of the loop a client is let in, or has its answer, and more."""


class Client:
    """A client with a WebSocket, and what the pod sees of the network to it.

    While ``written`` is a list, it notes what the pod writes.
    """

    __slots__ = ("person", "protocol", "written")

    def __init__(self, person: Person) -> None:
        self.person = person
        self.protocol: WebSocketProtocol | None = None
        self.written: list[bytes] | None = None

    def send(self, frames: bytes) -> None:
        """The pod reads this at once."""
        assert self.protocol is not None
        self.protocol.data_received(frames)

    def say(self) -> None:
        """Tell the room something."""
        self.send(said(10**15))

    def lost(self) -> None:
        """The connection is gone."""
        protocol, self.protocol = self.protocol, None
        assert protocol is not None
        protocol.connection_lost(None)

    # The transport.

    def write(self, data: bytes) -> None:
        if self.written is not None:
            self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.1", 1234) if name == "peername" else None

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...


class Poller:
    """A client that polls."""

    def __init__(self, pod: "Pod", person: Person) -> None:
        self._pod = pod
        self.person = person
        self.sid = ""

    async def get(self) -> str:
        return await self._ask("GET", "")

    async def post(self, body: str) -> str:
        return await self._ask("POST", body)

    async def hang_up(self) -> None:
        """Ask for what there is, and do not wait for it."""
        await self._ask("GET", "", then="http.disconnect")

    async def connect(self) -> None:
        """Open a session and be let in."""
        self.sid = (await self.get()).split('"')[3]
        frame = self.person.connect
        await self.post(frame[frame.index(b"40{") :].decode())
        await settle()
        assert "session:ready" in await self.get()

    async def _ask(self, method: str, body: str, *, then: str = "") -> str:
        arriving = [{"type": "http.request", "body": body.encode()}]
        answer: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if arriving:
                return arriving.pop()
            if not then:
                await asyncio.get_running_loop().create_future()
            return {"type": then}

        async def send(message: dict[str, Any]) -> None:
            answer.append(message)

        request = scope("polling", sid=self.sid)
        request["method"] = method
        request["headers"] = [(b"content-length", b"%d" % len(body))]
        await self._pod.realtime.app(request, receive, send)
        return b"".join(message.get("body", b"") for message in answer).decode()


class Pod:
    """The sockets that the benchmark measures."""

    def __init__(self) -> None:
        self.connections: set[Any] = set()  # where uvicorn keeps them
        self.realtime = sockets(SECRET.encode(), HandshakePolicy(), Settings())

    def take(self, client: Client, *, sid: str = "") -> None:
        """Accept a WebSocket: a session of its own, or to take over the one named."""
        protocol = self.realtime.websocket(config=None, server_state=self, app_state={})
        client.protocol = protocol
        protocol.connection_made(client)
        client.send(HEAD.replace(b" HTTP", b"&sid=%b HTTP" % sid.encode()) if sid else HEAD)

    async def let_in(self, clients: Iterable[Client]) -> None:
        """Have them connected and greeted, one after the other."""
        for client in clients:
            before = len(self.realtime.hub)
            self.take(client)
            client.send(client.person.connect)
            await settle()
            assert len(self.realtime.hub) == before + 1

    async def room(self, members: int) -> list[Client]:
        """A room whose members have been greeted."""
        clients = [Client(person) for person in people(members, members)]
        await self.let_in(clients)
        return clients


@asynccontextmanager
async def running_pod() -> AsyncIterator[Pod]:
    """Whoever is left at the end is cut off."""
    pod = Pod()
    await pod.realtime.start()
    try:
        yield pod
    finally:
        for protocol in tuple(pod.connections):
            protocol.connection_lost(None)
        await settle()
        await pod.realtime.stop(seconds=0)


async def settle() -> None:
    """Return once everything is done that was asked for."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
