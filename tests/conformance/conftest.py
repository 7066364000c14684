"""The conformance app in a process of its own, and our servers in the test's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import uvloop

from tests.conformance.app_process import AppProcess, Kind
from tests.conformance.clients import Server, WebSocket
from tests.conformance.in_process import NotingEcho, Running, running
from tests.conformance.socketio_in_process import Joining, enter, hospitable, serving
from whatchat.realtime.engine import Engine
from whatchat.realtime.link import Transport
from whatchat.realtime.socket_server import SocketServer
from whatchat.realtime.tasks import Tasks

# As the protocols' own suites have them, which wait for heartbeats and for their absence.
PING_INTERVAL_MS = 300
PING_TIMEOUT_MS = 200
MAX_PAYLOAD = 1_000_000

TRACEBACK = "Traceback (most recent call last)"


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What runs in the test's own process runs on the loop that pods run on."""
    if item.path.name.startswith("test_seams"):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="module")
def engineio_app() -> Iterator[AppProcess]:
    """An Engine.IO echo with quick heartbeats that the module's tests share."""
    yield from _app("engineio")


@pytest.fixture(scope="module")
def socketio_app() -> Iterator[AppProcess]:
    """A Socket.IO echo with quick heartbeats that the module's tests share."""
    yield from _app("socketio")


def _app(kind: Kind) -> Iterator[AppProcess]:
    with AppProcess(
        kind,
        ping_interval_ms=PING_INTERVAL_MS,
        ping_timeout_ms=PING_TIMEOUT_MS,
        max_payload=MAX_PAYLOAD,
    ) as app:
        yield app
        assert TRACEBACK not in app.output()


@pytest.fixture
def echo() -> NotingEcho:
    """What the Engine.IO echo in the test's process has heard."""
    return NotingEcho()


@pytest.fixture
async def echo_app(echo: NotingEcho) -> AsyncIterator[Running]:
    """That echo, serving."""
    async with running(Engine(echo, Transport()), Tasks()) as app:
        yield app


@pytest.fixture
async def echo_client(echo_app: Running) -> AsyncIterator[WebSocket]:
    """A session with it."""
    async with Server(echo_app.port, "/socket.io/") as server:
        yield await server.session()


@pytest.fixture
async def sio() -> SocketServer:
    """A Socket.IO server whose main namespace lets everybody in."""
    return hospitable()


@pytest.fixture
async def sio_server(sio: SocketServer) -> AsyncIterator[Server]:
    """The same, serving in the test's process."""
    async with serving(sio) as server:
        yield server


@pytest.fixture
async def join(sio_server: Server) -> Joining:
    async def join() -> tuple[WebSocket, str]:
        socket = await sio_server.session()
        return socket, await enter(socket)

    return join
