"""What the stock library gets wrong, and ours must not.

Each trap is a case that holds for a server without it. It is run against ours, and against
stock python-socketio on uvicorn, where it must fail: a case that cannot fail shows nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import Server, connected
from tests.conformance.stock import StockProcess

CONNECT_SECONDS = 5
MIB = 1024 * 1024
PUSHED_BYTES = 64 * MIB
KEPT_BYTES = 24 * MIB  # by a server that bounds what it keeps; the rest is what Python frees late
PUSH_SECONDS = 15
MESSAGE = '42["message","' + "x" * 50_000 + '"]'

OPEN = "not closed within"


class Trap(NamedTuple):
    """A case, and what the stock library fails it with."""

    holds: Callable[[AppProcess], Awaitable[None]]
    stock: str


async def is_closed_after(app: AppProcess, packet: str) -> None:
    """A packet that is none ends the connection, and nobody hears of it."""
    async with Server(app.port, "/socket.io/") as server:
        socket = await connected(server)
        await socket.send(packet)
        assert await socket.hear_no_more(seconds=2) == 4400


async def does_not_wait_for_connect(app: AppProcess) -> None:
    """Whoever sends no CONNECT is not kept."""
    async with Server(app.port, "/socket.io/") as server:
        socket = await server.session()
        assert await socket.hear_no_more(seconds=CONNECT_SECONDS + 2) == 4401


async def bounds_what_it_keeps(app: AppProcess) -> None:
    """Whoever asks and never reads costs no memory to speak of."""
    async with Server(app.port, "/socket.io/") as server:
        socket = await connected(server)
        socket.connection.transport.pause_reading()
        before = resident_bytes(app)
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(PUSH_SECONDS):
                for _ in range(PUSHED_BYTES // len(MESSAGE)):
                    await socket.send(MESSAGE)
        grown = resident_bytes(app) - before
        socket.abort()
    assert grown < KEPT_BYTES, f"{grown // MIB} MiB kept"


def resident_bytes(app: AppProcess) -> int:
    status = Path(f"/proc/{app.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


async def knows_the_clients_address(app: AppProcess) -> None:
    """Handlers see where a client comes from."""
    async with Server(app.port, "/socket.io/") as server:
        socket = await connected(server, address="127.0.0.7")
        await socket.send('421["address"]')
        assert await socket.hear() == '431["127.0.0.7"]'


async def keeps_the_order(app: AppProcess) -> None:
    """What a client sends is done in that order, also if the first takes longer."""
    async with Server(app.port, "/socket.io/") as server:
        socket = await connected(server)
        await socket.send('421["slow","first"]', '422["message-with-ack","second"]')
        assert await socket.hear_all(2) == ['431["first"]', '432["second"]']


def _packet(packet: str, stock: str = OPEN) -> Trap:
    return Trap(partial(is_closed_after, packet=packet), stock)


TRAPS = {
    "an event named connect": _packet(
        '42["connect",{},{"forged":true}]', stock='auth",{"forged":true}.* came'
    ),
    "an event named disconnect": _packet(
        '42["disconnect","forged"]', stock='gone","forged".* came'
    ),
    "an event without a payload": _packet("42"),
    "an event that is an object": _packet("42{}"),
    "an event without a name": _packet("42[]"),
    "a malformed packet": _packet('42["message"'),
    "an unknown packet": _packet("4abc"),
    "a huge number of attachments": _packet('459999999999-["message"]'),
    "many attachments": _packet('4511-["message"]'),
    "no connect": Trap(does_not_wait_for_connect, OPEN),
    "a client that never reads": Trap(bounds_what_it_keeps, r"[0-9]+ MiB kept"),
    "the address of a client": Trap(knows_the_clients_address, "127.0.0.1"),
    "the order of events": Trap(keeps_the_order, "432.*second.*431.*first"),
}


@pytest.fixture(scope="module")
def ours() -> Iterator[AppProcess]:
    with AppProcess("socketio") as app:
        yield app


@pytest.fixture(scope="module")
def stock() -> Iterator[AppProcess]:
    with StockProcess() as app:
        yield app


@pytest.mark.parametrize("trap", TRAPS)
async def test_ours_is_not_caught(ours: AppProcess, trap: str) -> None:
    await TRAPS[trap].holds(ours)


@pytest.mark.parametrize("trap", TRAPS)
async def test_the_stock_library_is(stock: AppProcess, trap: str) -> None:
    with pytest.raises(AssertionError, match=TRAPS[trap].stock):
        await TRAPS[trap].holds(stock)
