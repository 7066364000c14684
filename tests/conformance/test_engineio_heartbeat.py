"""Engine.IO v4: the heartbeat, with the configured milliseconds, on both transports.

Stricter than the reference server on purpose: the close of who is lost tells its code (4408),
and only a PONG proves that a client is alive.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import Server
from tests.conformance.conftest import PING_INTERVAL_MS, PING_TIMEOUT_MS

INTERVAL = PING_INTERVAL_MS / 1000
TIMEOUT = PING_TIMEOUT_MS / 1000
EARLY = 0.03  # what timers may be early by
LATE = 0.5  # what a busy machine may be late by
UNKNOWN_SESSION = '{"code":1,"message":"Session ID unknown"}'


@pytest.fixture(scope="module")
def calm_app() -> Iterator[AppProcess]:
    with AppProcess("engineio") as app:
        yield app


@pytest.fixture(params=["engineio", "socketio"])
async def quick(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """Either app, as the protocols' own suites have them."""
    app: AppProcess = request.getfixturevalue(f"{request.param}_app")
    async with Server(app.port, f"/{request.param[:-2]}.io/") as server:
        yield server


@pytest.fixture
async def echo(engineio_app: AppProcess) -> AsyncIterator[Server]:
    """The app that echoes what Engine.IO brings."""
    async with Server(engineio_app.port) as server:
        yield server


async def test_polling_pings(quick: Server) -> None:
    session = await quick.polling()
    for _ in range(3):
        start = time.monotonic()
        assert await session.hear() == ["2"]
        assert INTERVAL - 0.1 < time.monotonic() - start < INTERVAL + LATE
        await session.say("3")


async def test_a_websocket_pings(quick: Server) -> None:
    socket = await quick.session()
    for _ in range(3):
        start = time.monotonic()
        assert await socket.hear() == "2"
        assert INTERVAL - EARLY < time.monotonic() - start < INTERVAL + LATE
        await socket.send("3")


async def test_polling_ends_when_the_timeout_is_over(quick: Server) -> None:
    """For every one of many sessions, whatever the server's timers are about."""
    statuses = await asyncio.gather(*(_status_after(quick, number / 200) for number in range(100)))
    assert statuses == [400] * 100


async def _status_after(server: Server, delay: float) -> int:
    await asyncio.sleep(delay)
    session = await server.polling()
    await asyncio.sleep(INTERVAL + TIMEOUT)
    return (await session.get()).status


async def test_polling_does_not_end_before(echo: Server) -> None:
    session = await echo.polling()
    await asyncio.sleep(INTERVAL + TIMEOUT / 2)
    await session.say("3", "4alive")
    assert await session.hear_all(2) == ["2", "4alive"]
    await asyncio.sleep(TIMEOUT)
    await session.say("4still alive")


async def test_a_waiting_get_is_told_of_the_timeout(quick: Server) -> None:
    session = await quick.polling()
    assert await session.hear() == ["2"]
    answer = await session.get()
    assert (answer.status, answer.text) == (200, "1")
    assert await session.is_over()


async def test_a_websocket_is_closed_when_the_timeout_is_over(quick: Server) -> None:
    start = time.monotonic()
    socket = await quick.session()
    assert await socket.ended() == 4408
    assert INTERVAL + TIMEOUT - EARLY < time.monotonic() - start < INTERVAL + TIMEOUT + LATE


async def test_a_heartbeat_other_than_the_protocols_own_suite_has() -> None:
    with AppProcess("engineio", ping_interval_ms=650, ping_timeout_ms=250, max_payload=999) as app:
        async with Server(app.port) as server:
            start = time.monotonic()
            socket = await server.websocket()
            payload = await socket.handshake()
            told = [payload[key] for key in ("pingInterval", "pingTimeout", "maxPayload")]
            assert told == [650, 250, 999]
            assert await socket.hear() == "2"
            assert 0.65 - EARLY < time.monotonic() - start < 0.65 + LATE
            assert await socket.ended() == 4408
            assert 0.9 - EARLY < time.monotonic() - start < 0.9 + LATE


async def test_messages_do_not_stand_in_for_a_pong(echo: Server) -> None:
    socket = await echo.session()

    async def chat() -> None:
        while True:
            await socket.send("4hello")
            await asyncio.sleep(0.05)

    chatting = asyncio.create_task(chat())
    try:
        assert await socket.ended(seconds=INTERVAL + 2 * TIMEOUT + LATE) == 4408
    finally:
        chatting.cancel()


async def test_a_pong_that_nobody_asked_for_is_harmless(calm_app: AppProcess) -> None:
    async with Server(calm_app.port) as server:
        socket = await server.session()
        await socket.send("3", "3probe", "4hello")
        assert await socket.hear() == "4hello"


async def test_the_heartbeat_goes_on_over_the_websocket(quick: Server) -> None:
    session = await quick.polling()
    assert await session.hear() == ["2"]
    await session.say("3")
    socket = await session.probed()
    await socket.send("5")
    for _ in range(3):
        assert await socket.hear() == "2"
        await socket.send("3")
    assert await socket.ended() == 4408


async def test_a_session_whose_upgrade_hangs_ends_with_its_heartbeat(quick: Server) -> None:
    session = await quick.polling()
    socket = await session.probed()
    await socket.hear_no_more()
    assert await session.is_over()
