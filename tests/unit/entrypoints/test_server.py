import asyncio
import os
import signal
import socket

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from whatchat.entrypoints.asgi import PodApplication, http_application
from whatchat.entrypoints.probes import Readiness, probe_routes
from whatchat.entrypoints.server import PodServer, listen, run_servers, url_of
from whatchat.observability.metrics import Metrics


class Drain:
    """Notes whether the server still answers while it runs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.answers: list[int] = []

    async def __call__(self) -> None:
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


@pytest.mark.parametrize("ending", ["signal", "event"])
async def test_a_server_drains_before_it_closes(ending: str) -> None:
    app = http_application([], probe_routes(Readiness({}), Metrics()))
    listener = listen("127.0.0.1", 0)
    drain, stop = Drain(url_of(listener)), asyncio.Event()
    server = PodServer(app, max_packet_bytes=1024, before_shutdown=drain)
    serving = asyncio.create_task(run_servers([(server, listener)], stop))
    await until_up(url_of(listener))
    if ending == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        stop.set()
    await asyncio.wait_for(serving, 5)
    assert drain.answers == [200]
    assert listener.fileno() == -1


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
