"""Engine.IO v4: from polling to WebSocket, and back where it fails.

Stricter than the reference server on purpose: a GET that waits is released by the noop packet
at once, also when the client does not await the answer to its probe, and both closes and
refusals of a second WebSocket say why.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import PATIENCE_SECONDS, Polling, Server

PROBE_SECONDS = 10  # which a client has for its probe and the upgrade after it
BAD_REQUEST = '{"code":3,"message":"Bad request"}'


@pytest.fixture(scope="module")
def app() -> Iterator[AppProcess]:
    with AppProcess("engineio") as app:
        yield app


@pytest.fixture
async def server(app: AppProcess) -> AsyncIterator[Server]:
    async with Server(app.port) as server:
        yield server


@pytest.fixture
async def session(server: Server) -> Polling:
    return await server.polling()


async def works(session: Polling) -> bool:
    """Whether a session still answers over polling."""
    await session.say("4over polling")
    return await session.hear() == ["4over polling"]


async def refused(server: Server, sid: str) -> bool:
    """Whether another WebSocket of the session is not served."""
    try:
        socket = await server.websocket(f"EIO=4&transport=websocket&sid={sid}")
    except InvalidStatus as refusal:
        return refusal.response.status_code == 400
    with contextlib.suppress(ConnectionClosed):
        await socket.send("2probe")
    await socket.hear_no_more()
    return True


async def test_an_upgrade(session: Polling) -> None:
    socket = await session.probed()
    assert await session.hear() == ["6"]
    await socket.send("5", "4hello", b"\x01\x02")
    assert await socket.hear_all(2) == ["4hello", b"\x01\x02"]


async def test_a_waiting_get_is_released(session: Polling) -> None:
    waiting = await session.waiting()
    socket = await session.probed()
    async with asyncio.timeout(1):
        answer = await waiting
    assert (answer.status, answer.text) == (200, "6")
    await socket.send("5", "4hello")
    assert await socket.hear() == "4hello"


async def test_a_waiting_get_is_released_for_who_upgrades_in_one_go(session: Polling) -> None:
    waiting = await session.waiting()
    socket = await session.upgrading()
    await socket.send("2probe", "5", "4hello")
    async with asyncio.timeout(1):
        answer = await waiting
    assert (answer.status, answer.text) == (200, "6")
    assert await socket.hear_all(2) == ["3probe", "4hello"]


async def test_polling_is_over_after_the_upgrade(server: Server, session: Polling) -> None:
    socket = await session.probed()
    await socket.send("5", "4upgraded")
    assert await socket.hear() == "4upgraded"
    for answer in (await session.get(), await session.post("4hello")):
        assert (answer.status, answer.text) == (400, BAD_REQUEST)
    await socket.send("4hello")
    assert await socket.hear() == "4hello"
    assert await socket.is_silent()


@pytest.mark.parametrize("kind", ["engineio", "socketio"])
async def test_an_upgrade_in_one_go(request: pytest.FixtureRequest, kind: str) -> None:
    """As the protocols' own suites do it, on either app."""
    app: AppProcess = request.getfixturevalue(f"{kind}_app")
    async with Server(app.port, f"/{kind[:-2]}.io/") as server:
        session = await server.polling()
        socket = await session.upgrading()
        await socket.send("2probe", "5")
        assert await refused(server, session.sid)
        assert await socket.hear_all(2) == ["3probe", "2"]
        assert (await session.get()).status == 400
        await socket.send("3")
        assert await socket.hear() == "2"


async def test_a_get_right_behind_the_upgrade_is_refused(session: Polling) -> None:
    socket = await session.probed()
    await socket.send("5")
    assert (await session.get()).status == 400
    await socket.send("4hello")
    assert await socket.hear() == "4hello"


async def test_a_second_websocket_after_the_upgrade_is_refused(
    server: Server, session: Polling
) -> None:
    socket = await session.probed()
    await socket.send("5")
    assert await refused(server, session.sid)
    await socket.send("4hello")
    assert await socket.hear() == "4hello"


async def test_a_second_websocket_during_the_upgrade_is_refused(
    server: Server, session: Polling
) -> None:
    socket = await session.probed()
    assert await refused(server, session.sid)
    await socket.send("5", "4hello")
    assert await socket.hear() == "4hello"


async def test_a_session_that_began_as_a_websocket_has_no_other(server: Server) -> None:
    socket = await server.websocket()
    sid = (await socket.handshake())["sid"]
    assert await refused(server, sid)
    for method in ("GET", "POST"):
        answer = await server.ask(f"EIO=4&transport=polling&sid={sid}", method)
        assert (answer.status, answer.text) == (400, BAD_REQUEST)
    await socket.send("4hello")
    assert await socket.hear() == "4hello"


async def test_an_upgraded_session_ends_with_its_websocket(session: Polling) -> None:
    socket = await session.probed()
    await socket.send("5", "1")
    assert await socket.hear_no_more() in {1000, 1005}
    assert await session.is_over()


# Nothing is lost, doubled or reordered.


async def test_what_waited_for_a_get_goes_to_the_websocket(session: Polling) -> None:
    sent = [f"4{number}" for number in range(40)]
    await session.say(*sent[:20])
    socket = await session.upgrading()
    await session.say(*sent[20:30])
    await socket.send("2probe")
    assert await socket.hear() == "3probe"
    await session.say(*sent[30:])
    await socket.send("5", "4last")
    assert await socket.hear_all(41) == [*sent, "4last"]
    assert await socket.is_silent()


async def test_binary_that_waited_goes_to_the_websocket_as_such(session: Polling) -> None:
    await session.say("4hello", "bAQIDBA==", "4world")
    socket = await session.probed()
    await socket.send("5")
    assert await socket.hear_all(3) == ["4hello", b"\x01\x02\x03\x04", "4world"]


async def test_a_get_during_the_upgrade_takes_nothing_away(session: Polling) -> None:
    """What a GET brings and what the WebSocket brings is everything, once and in order."""
    await session.say("4one", "4two")
    socket = await session.probed()
    taken = [packet for packet in await session.hear() if packet != "6"]
    await session.say("4three")
    await socket.send("5", "4four")
    rest = await socket.hear_all(4 - len(taken))
    assert [*taken, *rest] == ["4one", "4two", "4three", "4four"]
    assert await socket.is_silent()


async def test_messages_during_many_upgrades(server: Server) -> None:
    await asyncio.gather(*(_chat_through_an_upgrade(server) for _ in range(20)))


async def _chat_through_an_upgrade(server: Server) -> None:
    """As the reference client does it: the POST ends before the upgrade, the GET goes on."""
    session = await server.polling()
    heard: list[object] = []

    async def listen() -> None:
        while (packets := await session.hear()) != ["6"]:
            heard.extend(packet for packet in packets if packet != "6")

    listening = asyncio.create_task(listen())
    for number in range(10):
        await session.say(f"4{number}")
    socket = await session.probed()
    await session.say("410", "411")
    await listening
    await socket.send("5", *(f"4{number}" for number in range(12, 20)))
    heard += await socket.hear_all(20 - len(heard))
    assert heard == [f"4{number}" for number in range(20)]


# Upgrades that come to nothing.


async def test_after_a_probe_that_is_given_up_polling_goes_on(session: Polling) -> None:
    await session.say("4waits")
    socket = await session.probed()
    await socket.close()
    assert await session.hear_all(1) == ["4waits"]
    assert await works(session)


async def test_after_a_cut_line_polling_goes_on_and_may_try_again(session: Polling) -> None:
    for cut_before_the_probe in (True, False):
        socket = await (session.upgrading() if cut_before_the_probe else session.probed())
        socket.abort()
        await asyncio.sleep(0.2)
        assert await works(session)
    socket = await session.probed()
    await socket.send("5", "4hello")
    assert await socket.hear() == "4hello"


@pytest.mark.parametrize("packet", ["4hello", "2", "2other", "3probe", "1", "abc", "", b"2probe"])
async def test_another_packet_than_the_probe_closes_the_websocket_alone(
    session: Polling, packet: str | bytes
) -> None:
    socket = await session.upgrading()
    await socket.send(packet)
    await socket.hear_no_more()
    assert await works(session)


@pytest.mark.parametrize("packet", ["4hello", "6", "abc", b"5"])
async def test_another_packet_than_the_upgrade_closes_the_websocket_alone(
    session: Polling, packet: str | bytes
) -> None:
    socket = await session.probed()
    await socket.send(packet)
    await socket.hear_no_more()
    assert await works(session)


async def test_an_upgrade_has_a_deadline(server: Server) -> None:
    await asyncio.gather(*(_upgrade_too_slowly(server, probed=probed) for probed in (True, False)))


async def _upgrade_too_slowly(server: Server, *, probed: bool) -> None:
    session = await server.polling()
    socket = await (session.probed() if probed else session.upgrading())
    assert await socket.is_silent(seconds=PROBE_SECONDS - 2)
    await socket.ended(seconds=2 + PATIENCE_SECONDS)
    assert await works(session)


async def test_the_upgrade_ends_with_its_session(session: Polling) -> None:
    socket = await session.probed()
    await session.say("1")
    await socket.hear_no_more()
    assert await session.is_over()
