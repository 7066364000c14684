"""The network side of a pod: uvicorn on the ports that it listens on."""

import asyncio
import contextlib
import gc
import resource
import socket
import sys
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, Final, Protocol

import uvicorn
from starlette.types import ASGIApp

from whatchat.domain.urls import http_url
from whatchat.entrypoints.ending import GRACE_SECONDS, Ending
from whatchat.realtime.arrivals import IDLE_SECONDS, Arrivals
from whatchat.realtime.bounded_http import bounded_http

BACKLOG = 2048
UNTAKEN_SECONDS: Final = 60
"""How long a peer may leave unread, or unacknowledged, what was sent to it."""

RESERVED_DESCRIPTORS: Final = 512
"""For the store, the log, the pages' files, and connections that are being turned away."""

INTERNAL_CONNECTIONS: Final = 64

ACCEPTED_AT_ONCE: Final = 8
"""Handles per listening socket: libuv takes one connection from each in a turn of the loop.

With one alone, newcomers of a busy pod queue for seconds behind whoever connects a lot.
"""

COLLECTOR_THRESHOLDS: Final = (10_000, 20, 50)


class Drain(Protocol):
    """Moves clients away; with ``at_once`` it does not wait for anybody to go."""

    def __call__(self, *, at_once: bool) -> Awaitable[None]: ...


class PodServer(uvicorn.Server):
    """Uvicorn without its own signal handling, which would end the process by the signal.

    A connection above ``most_connections``, HTTP and WebSocket together, is answered 503 and
    closed. ``websocket`` is what uvicorn's ``ws`` setting takes. The defaults are for a port
    that only operators reach.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_connections: int = INTERNAL_CONNECTIONS,
        websocket: Any = "none",
    ) -> None:
        super().__init__(_config(app, Arrivals(most_connections), websocket))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_servers(
    listening: list[tuple[PodServer, socket.socket]], ending: Ending, drain: Drain
) -> None:
    """Serve until asked to end, and still while ``drain`` runs.

    Requests in flight are then finished, within ``GRACE_SECONDS``.
    """
    async with asyncio.TaskGroup() as tasks:
        for server, listener in listening:
            tasks.create_task(server.serve(sockets=handles_of(listener)))
        await drain(at_once=await ending.asked())
        for server, _ in listening:
            server.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ``OSError`` if it is taken."""
    family, address = _address(host, port)
    listener = socket.create_server(
        address[:2],
        family=family,
        backlog=BACKLOG,
        dualstack_ipv6=family == socket.AF_INET6 and socket.has_dualstack_ipv6(),
    )
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # of Linux alone; its connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_SECONDS * 1000)
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    return ip_address(_address(host, 0)[1][0].partition("%")[0]).is_loopback


def _address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    family, *_, address = min(found, key=lambda info: info[0])
    return family, address


def handles_of(listener: socket.socket) -> list[socket.socket]:
    """The listener, as often as a server needs it to take newcomers fast enough."""
    return [listener, *(listener.dup() for _ in range(ACCEPTED_AT_ONCE - 1))]


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds what listens there."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "localhost"
    return http_url(host, port)


def raise_descriptor_limit() -> int:
    """Let this process hold as many descriptors as the system allows it to; says how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def spare_collector() -> None:
    """Have the garbage collector look less often, and never at what start-up has made.

    Connections and messages are freed by reference counting; the default of 700 allocations
    makes it run through thousands of live sockets many times a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def connections_within(descriptors: int) -> int:
    """How many connections a process may take that can hold so many descriptors."""
    return max(descriptors - RESERVED_DESCRIPTORS, descriptors // 2)


def _config(app: ASGIApp, arrivals: Arrivals, websocket: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=bounded_http(arrivals),
        ws=websocket,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
