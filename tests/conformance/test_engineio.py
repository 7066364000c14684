"""Engine.IO v4: handshake, messages and close, as the protocol's text has them.

Where the text leaves a choice, the reference server's is taken. Stricter than it on purpose:
closes tell their code (4400) rather than none, ids have 128 random bits rather than 120, a
WebSocket is refused in the same words as a request, and a CLOSE over it is obeyed.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import SEPARATOR, Answer, Server, opening
from tests.conformance.conftest import MAX_PAYLOAD, PING_INTERVAL_MS, PING_TIMEOUT_MS

KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
SID = re.compile(r"[A-Za-z0-9_-]{22,32}")
POLLING = "EIO=4&transport=polling"
WEBSOCKET = "EIO=4&transport=websocket"


@pytest.fixture(scope="module")
def calm_app() -> Iterator[AppProcess]:
    with AppProcess("engineio") as app:
        yield app


@pytest.fixture
async def server(calm_app: AppProcess) -> AsyncIterator[Server]:
    async with Server(calm_app.port) as server:
        yield server


@pytest.fixture(params=["engineio", "socketio"])
async def quick(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """Either app, as the protocols' own suites have them."""
    app: AppProcess = request.getfixturevalue(f"{request.param}_app")
    async with Server(app.port, f"/{request.param[:-2]}.io/") as server:
        yield server


# Handshake.


async def test_polling_opens_a_session(quick: Server) -> None:
    answer = await quick.ask(POLLING)
    assert answer.status == 200
    assert answer.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    payload = opening(answer.text)
    assert payload.keys() == KEYS
    assert SID.fullmatch(payload.pop("sid"))
    assert payload == {
        "upgrades": ["websocket"],
        "pingInterval": PING_INTERVAL_MS,
        "pingTimeout": PING_TIMEOUT_MS,
        "maxPayload": MAX_PAYLOAD,
    }


async def test_a_websocket_opens_a_session(quick: Server) -> None:
    payload = await (await quick.websocket()).handshake()
    assert payload.keys() == KEYS
    assert SID.fullmatch(payload.pop("sid"))
    assert payload == {
        "upgrades": [],
        "pingInterval": PING_INTERVAL_MS,
        "pingTimeout": PING_TIMEOUT_MS,
        "maxPayload": MAX_PAYLOAD,
    }


async def test_no_two_sessions_share_an_id(server: Server) -> None:
    sessions = await asyncio.gather(*(server.polling() for _ in range(50)))
    assert len({session.sid for session in sessions}) == 50


UNKNOWN_TRANSPORT = '{"code":0,"message":"Transport unknown"}'
UNKNOWN_SESSION = '{"code":1,"message":"Session ID unknown"}'
BAD_METHOD = '{"code":2,"message":"Bad handshake method"}'
BAD_REQUEST = '{"code":3,"message":"Bad request"}'
BAD_VERSION = '{"code":5,"message":"Unsupported protocol version"}'


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        ("GET", "transport=polling", BAD_VERSION),
        ("GET", "EIO=abc&transport=polling", BAD_VERSION),
        ("GET", "EIO=&transport=polling", BAD_VERSION),
        ("GET", "EIO=3&transport=polling", BAD_VERSION),
        ("GET", "EIO=5&transport=polling", BAD_VERSION),
        ("GET", "EIO=4", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=abc", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=webtransport", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=constructor", UNKNOWN_TRANSPORT),
        ("GET", WEBSOCKET, BAD_REQUEST),
        ("POST", POLLING, BAD_METHOD),
        ("PUT", POLLING, BAD_METHOD),
        ("DELETE", POLLING, BAD_METHOD),
        ("PATCH", POLLING, BAD_METHOD),
        ("GET", f"{POLLING}&sid=abc", UNKNOWN_SESSION),
        ("GET", f"{POLLING}&sid=constructor", UNKNOWN_SESSION),
        ("POST", f"{POLLING}&sid=abc", UNKNOWN_SESSION),
        ("PUT", f"{POLLING}&sid=abc", UNKNOWN_SESSION),
    ],
)
async def test_bad_requests_get_400_and_the_reason(
    quick: Server, method: str, query: str, body: str
) -> None:
    answer = await quick.ask(query, method)
    assert (answer.status, answer.text) == (400, body)
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_head_opens_nothing(server: Server) -> None:
    answer = await server.ask(POLLING, "HEAD")
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("transport=websocket", BAD_VERSION),
        ("EIO=abc&transport=websocket", BAD_VERSION),
        ("EIO=3&transport=websocket", BAD_VERSION),
        ("EIO=4", UNKNOWN_TRANSPORT),
        ("EIO=4&transport=abc", UNKNOWN_TRANSPORT),
        (f"{WEBSOCKET}&sid=abc", UNKNOWN_SESSION),
    ],
)
async def test_bad_websockets_are_refused_before_the_upgrade(
    quick: Server, query: str, body: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await quick.websocket(query)
    answer = refused.value.response
    assert (answer.status_code, answer.body) == (400, body.encode())


async def test_extensions_are_not_negotiated(server: Server) -> None:
    socket = await server.websocket(compression="deflate")
    answer = socket.connection.response
    assert answer is not None
    assert "Sec-WebSocket-Extensions" not in answer.headers
    await socket.handshake()
    await socket.send("4" + "a" * 4_096)
    assert await socket.hear() == "4" + "a" * 4_096


# Messages.

MESSAGES = ["4hello", "4", "4€ and 😀", f"4one{SEPARATOR}4two", "4bAQIDBA==", "4" + "x" * 60_000]


@pytest.mark.parametrize("message", MESSAGES)
async def test_a_text_message_comes_back_unchanged(server: Server, message: str) -> None:
    socket = await server.session()
    await socket.send(message)
    assert await socket.hear() == message


@pytest.mark.parametrize("message", [b"\x01\x02\x03\x04", b"", b"4hello", b"\xff" * 60_000])
async def test_a_binary_message_comes_back_unchanged(server: Server, message: bytes) -> None:
    socket = await server.session()
    await socket.send(message)
    assert await socket.hear() == message


async def test_each_packet_has_a_frame_of_its_own(server: Server) -> None:
    socket = await server.session()
    sent = [f"4{number}" if number % 3 else bytes([number]) for number in range(100)]
    await socket.send(*sent)
    assert await socket.hear_all(100) == sent


@pytest.mark.parametrize("packet", ["abc", "", "7", "9hello", "-1", "2", "2hello", " 4", "é"])
async def test_an_invalid_packet_closes_the_session(server: Server, packet: str) -> None:
    """A PING is one: from version 4 on only the server sends it."""
    socket = await server.websocket()
    sid = (await socket.handshake())["sid"]
    await socket.send(packet, "4too late")
    assert await socket.hear_no_more() == 4400
    assert (await server.ask(f"{POLLING}&sid={sid}")).text == UNKNOWN_SESSION


# Close.


async def test_a_close_packet_closes_the_websocket(quick: Server) -> None:
    socket = await quick.websocket()
    sid = (await socket.handshake())["sid"]
    await socket.send("1")
    assert await socket.ended() in {1000, 1005}
    assert (await quick.ask(f"{POLLING}&sid={sid}")).text == UNKNOWN_SESSION


@pytest.mark.parametrize("cut", [True, False])
async def test_a_session_ends_with_its_websocket(quick: Server, *, cut: bool) -> None:
    socket = await quick.websocket()
    sid = (await socket.handshake())["sid"]
    if cut:
        socket.abort()
        await asyncio.sleep(0.1)
    else:
        await socket.close()
    answer: Answer = await quick.ask(f"{POLLING}&sid={sid}")
    assert (answer.status, answer.text) == (400, UNKNOWN_SESSION)
