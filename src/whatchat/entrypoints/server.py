"""The network side of a pod: uvicorn on the ports that it listens on."""

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 10
BACKLOG = 2048
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class PodServer(uvicorn.Server):
    """Uvicorn without its own signal handling, which would end the process by the signal.

    ``before_shutdown`` runs while all connections are still open.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_packet_bytes: int,
        before_shutdown: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(_config(app, max_packet_bytes))
        self._before_shutdown = before_shutdown

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._before_shutdown is not None:
            await self._before_shutdown()
        await super().shutdown(sockets)


async def run_servers(
    listening: list[tuple[PodServer, socket.socket]], stop: asyncio.Event
) -> None:
    """Serve until ``stop`` is set or a signal asks to end; a second one ends at once."""
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        for server, _ in listening:
            server.force_exit = stop.is_set()
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, ask_to_stop)
    try:
        async with asyncio.TaskGroup() as tasks:
            for server, listener in listening:
                tasks.create_task(server.serve(sockets=[listener]))
            await stop.wait()
            for server, _ in listening:
                server.should_exit = True
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ``OSError`` if it is taken."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    family, *_, address = min(found, key=lambda info: info[0])
    return socket.create_server(
        address[:2],
        family=family,
        backlog=BACKLOG,
        dualstack_ipv6=family == socket.AF_INET6 and socket.has_dualstack_ipv6(),
    )


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds what listens there."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def raise_descriptor_limit() -> None:
    """Let this process hold as many sockets as the system allows it to ask for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _config(app: ASGIApp, max_packet_bytes: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        # A packet somewhat over the limit is read, so that its sender can be told why.
        ws_max_size=2 * max_packet_bytes,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
