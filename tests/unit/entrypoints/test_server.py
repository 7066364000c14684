import asyncio
import os
import signal
import socket

import httpx
import pytest
import uvloop
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from whatchat.entrypoints.asgi import PodApplication, http_application
from whatchat.entrypoints.ending import Ending
from whatchat.entrypoints.probes import Readiness, probe_routes
from whatchat.entrypoints.server import (
    ACCEPTED_AT_ONCE,
    PodServer,
    is_loopback,
    listen,
    run_servers,
    url_of,
)
from whatchat.observability.metrics import Metrics


class Drain:
    """Notes how it was called, and whether the server still answers while it runs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.calls: list[bool] = []
        self.answers: list[int] = []

    async def __call__(self, *, at_once: bool) -> None:
        self.calls.append(at_once)
        async with httpx.AsyncClient() as client:
            self.answers.append((await client.get(f"{self._url}/livez")).status_code)


async def until_up(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(100):
            try:
                await client.get(f"{url}/livez")
            except httpx.TransportError:
                await asyncio.sleep(0.02)
            else:
                return
    raise AssertionError("the server does not come up")


@pytest.mark.parametrize(
    ("asked_by", "at_once"), [(signal.SIGTERM, False), (signal.SIGINT, True), (None, True)]
)
async def test_a_server_drains_before_it_closes(
    asked_by: signal.Signals | None, at_once: bool
) -> None:
    app = http_application([], probe_routes(Readiness({}, Metrics()), Metrics()))
    listener = listen("127.0.0.1", 0)
    drain, must_end = Drain(url_of(listener)), asyncio.Event()
    ending = Ending(must_end)
    ending.listen()
    server = PodServer(app)
    serving = asyncio.create_task(run_servers([(server, listener)], ending, drain))
    await until_up(url_of(listener))
    if asked_by:
        os.kill(os.getpid(), asked_by)
    else:
        must_end.set()
    await asyncio.wait_for(serving, 5)
    assert (drain.calls, drain.answers) == ([at_once], [200])
    assert listener.fileno() == -1


def test_a_turn_of_the_loop_takes_several_newcomers() -> None:
    async def turns(newcomers: int) -> int:
        app = http_application([], probe_routes(Readiness({}, Metrics()), Metrics()))
        listener, must_end = listen("127.0.0.1", 0), asyncio.Event()
        server = PodServer(app, most_connections=1_000)
        running = run_servers([(server, listener)], Ending(must_end), Drain(url_of(listener)))
        serving = asyncio.create_task(running)
        await until_up(url_of(listener))
        # The system lets them in, whether or not anybody takes them.
        clients = [socket.create_connection(listener.getsockname()) for _ in range(newcomers)]
        count = 0
        while len(server.server_state.connections) < newcomers:
            await asyncio.sleep(0)
            count += 1
        for client in clients:
            client.close()
        must_end.set()
        await asyncio.wait_for(serving, 5)
        return count

    assert uvloop.run(turns(10 * ACCEPTED_AT_ONCE)) <= 15


async def test_requests_in_flight_are_finished() -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(_request: Request) -> Response:
        arrived.set()
        await may_answer.wait()
        return Response("done")

    async def drain(*, at_once: bool) -> None: ...

    app = http_application([], [Route("/slow", slow)])
    listener, must_end = listen("127.0.0.1", 0), asyncio.Event()
    server = PodServer(app)
    serving = asyncio.create_task(run_servers([(server, listener)], Ending(must_end), drain))
    async with httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.get(f"{url_of(listener)}/slow"))
        await arrived.wait()
        must_end.set()
        await asyncio.sleep(0.3)
        may_answer.set()
        assert (await asking).text == "done"
    await asyncio.wait_for(serving, 5)


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "localhost"), ("127.0.0.1", "127.0.0.1")])
def test_the_url_is_one_that_a_browser_here_can_open(host: str, shown: str) -> None:
    with listen(host, 0) as listener:
        assert url_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"


def test_localhost_is_where_ipv4_clients_look_for_it() -> None:
    with listen("localhost", 0) as listener:
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])).close()


def test_a_taken_port_is_an_os_error() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("path", "chosen"),
    [("/socket.io/", "sockets"), ("/socket.io", "sockets"), ("/socket.iox", "http"), ("/", "http")],
)
async def test_socket_io_has_its_own_path(path: str, chosen: str) -> None:
    seen: list[str] = []

    async def http(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append("http")

    async def sockets(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append("sockets")

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None: ...

    application = PodApplication(http=http, sockets=sockets)
    await application({"type": "http", "path": path}, receive, send)
    assert seen == [chosen]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", True),
        ("192.0.2.1", False),
    ],
)
def test_what_this_machine_alone_reaches_is_known(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected
