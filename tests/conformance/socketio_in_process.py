"""A Socket.IO server of ours in the test's own process, and who is in it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tests.conformance.clients import Server, WebSocket
from tests.conformance.in_process import running
from whatchat.realtime.engine import Engine
from whatchat.realtime.link import Transport
from whatchat.realtime.socket_server import SocketServer
from whatchat.realtime.tasks import Tasks

Handler = TypeVar("Handler", bound=Callable[..., object])
Joining = Callable[[], Awaitable[tuple[WebSocket, str]]]
"""A new client in the main namespace, and the id that it has there."""


def handling(sio: SocketServer, event: str) -> Callable[[Handler], Handler]:
    """``sio.on`` as a decorator, with types, which the library does not ship."""
    decorate: Callable[[Handler], Handler] = sio.on(event)
    return decorate


def hospitable(*, always_connect: bool = False) -> SocketServer:
    """A server whose main namespace lets everybody in."""
    sio = SocketServer(lambda it: Engine(it, Transport()), Tasks(), always_connect=always_connect)

    @handling(sio, "connect")
    async def connect(_sid: str, _environ: dict[str, Any], _auth: object) -> None: ...

    return sio


@asynccontextmanager
async def serving(sio: SocketServer) -> AsyncIterator[Server]:
    """Serve until the block is left."""
    async with running(sio.engine, sio.tasks) as app, Server(app.port, "/socket.io/") as server:
        yield server


async def enter(socket: WebSocket, namespace: str = "", auth: str = "") -> str:
    """Connect to a namespace, given with its comma; the id that the server gives."""
    await socket.send(f"40{namespace}{auth}")
    answer = str(await socket.hear())
    start = f'40{namespace}{{"sid":"'
    assert answer.startswith(start), answer
    return answer.removeprefix(start).removesuffix('"}')


def left_behind(sio: SocketServer) -> list[object]:
    """What is kept of clients; nothing, once all are gone.

    Of the rooms and the data of those who are gone, only private names tell.
    """
    manager = sio.manager
    clients = [
        sid
        for namespace in manager.get_namespaces()
        for sid, _ in manager.get_participants(namespace, None)
    ]
    return [*sio.engine.sessions, *sio.environ, *clients, *manager._in_room, *sio.eio._users]
