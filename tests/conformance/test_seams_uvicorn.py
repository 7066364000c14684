"""uvicorn as we use it: it parses the request, and gives the socket away for good."""

import asyncio
import contextlib
from base64 import b64encode

import pytest

from tests.conformance.clients import Server, WebSocket
from tests.conformance.in_process import NotingEcho, Running
from tests.conformance.rfc6455_frames import TEXT, Frame
from tests.waiting import until
from whatchat.realtime import engine as engine_module
from whatchat.realtime.frame import plain_frame

KEY = b64encode(b"sixteen octets!!")
REQUEST = b"\r\n".join(
    (
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        b"Host: localhost",
        b"Connection: keep-alive, Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + KEY,
        b"",
        b"",
    )
)
HELLO = Frame(opcode=TEXT, payload=b"4hello").encode()
HELLO_BACK = b"\x81\x064hello"
PATIENCE_SECONDS = 5


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the patience with who does not answer a close end at once."""
    monkeypatch.setattr(engine_module, "CLOSE_SECONDS", 0.2)


async def told(port: int, *parts: bytes, until_come: bytes = b"\0") -> bytes:
    """What is answered to parts that arrive one after the other; not more than is waited for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.002)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while until_come not in answer and (octets := await reader.read(65_536)):
                answer += octets
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return answer


async def test_a_request_to_upgrade_may_arrive_in_two_parts(echo_app: Running) -> None:
    whole = await told(echo_app.port, REQUEST, HELLO, until_come=HELLO_BACK)
    assert whole.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    for place in range(1, len(REQUEST)):
        answer = await told(
            echo_app.port, REQUEST[:place], REQUEST[place:], HELLO, until_come=HELLO_BACK
        )
        assert answer.startswith(b"HTTP/1.1 101 "), f"split at {place}"
        assert answer.endswith(HELLO_BACK), f"split at {place}"


async def test_frames_may_come_with_the_request(echo_app: Running) -> None:
    for place in range(len(HELLO) + 1):
        answer = await told(
            echo_app.port, REQUEST + HELLO[:place], HELLO[place:], until_come=HELLO_BACK
        )
        assert answer.endswith(HELLO_BACK), f"split at {place}"


async def test_cookies_of_16_kib_pass(echo_app: Running, echo: NotingEcho) -> None:
    cookie = b"a=" + b"x" * 16 * 1024
    request = REQUEST.replace(b"\r\n\r\n", b"\r\nCookie: " + cookie + b"\r\n\r\n")
    parts = [request[place : place + 1_000] for place in range(0, len(request), 1_000)]
    assert HELLO_BACK in await told(echo_app.port, *parts, HELLO, until_come=HELLO_BACK)
    assert dict(echo.scopes[0]["headers"])[b"cookie"] == cookie


async def test_a_scope_says_all_that_the_request_said(echo_app: Running, echo: NotingEcho) -> None:
    request = REQUEST.replace(b"\r\n\r\n", b"\r\nX-Twice: 1\r\nX-Twice: 2: 3\r\nX-None:\r\n\r\n")
    await told(echo_app.port, request, until_come=b"sid")
    (scope,) = echo.scopes
    assert (scope["type"], scope["method"], scope["scheme"]) == ("websocket", "GET", "ws")
    assert (scope["path"], scope["query_string"]) == ("/socket.io/", b"EIO=4&transport=websocket")
    assert scope["client"][0] == "127.0.0.1"
    headers = scope["headers"]
    assert [value for name, value in headers if name == b"x-twice"] == [b"1", b"2: 3"]
    assert (b"x-none", b"") in headers


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"GET", b"POST", b"400"),
        (b"/socket.io/", b"/elsewhere", b"404"),
        (b"Version: 13", b"Version: 8", b"426"),
        (KEY, b"c2hvcnQ=", b"400"),
    ],
)
async def test_what_is_no_upgrade_is_answered_in_http(
    echo_app: Running, old: bytes, new: bytes, status: bytes
) -> None:
    answer = await told(echo_app.port, REQUEST.replace(old, new), HELLO)
    assert answer.startswith(b"HTTP/1.1 " + status + b" ")
    assert answer.count(b"HTTP/1.1") == 1
    assert not echo_app.engine.sessions
    await until(lambda: not echo_app.server.server_state.connections)


@pytest.mark.parametrize("cut", [True, False])
async def test_uvicorn_forgets_who_has_left(
    echo_app: Running, echo: NotingEcho, echo_client: WebSocket, *, cut: bool
) -> None:
    assert len(echo_app.server.server_state.connections) == 1
    if cut:
        echo_client.abort()
    else:
        await echo_client.close()
    await until(lambda: not echo_app.server.server_state.connections)
    assert not echo_app.engine.sessions
    assert echo.reasons == ["transport close"]


async def test_a_websocket_outlives_what_http_is_given_to_be_idle(
    echo_app: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(echo_app.server.config, "timeout_keep_alive", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", echo_app.port)
    try:
        writer.write(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b'"maxPayload":65536}')
        writer.write(REQUEST)
        await asyncio.sleep(0.3)
        writer.write(HELLO)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.readuntil(HELLO_BACK)
    finally:
        writer.transport.abort()


async def test_uvicorns_shutdown_closes_every_socket_with_a_reason_to_come_back(
    echo_app: Running, echo: NotingEcho
) -> None:
    async with Server(echo_app.port, "/socket.io/") as server:
        sockets = [await server.session() for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", echo_app.port)  # says nothing
        await echo_app.stop()
        assert [await socket.ended() for socket in sockets] == [4503] * 3
        assert await reader.read() == b""
        writer.close()
    assert echo.reasons == ["transport close"] * 3


@pytest.mark.usefixtures("hurry")
async def test_a_client_that_never_reads_does_not_hold_up_the_shutdown(
    echo_app: Running, echo: NotingEcho, echo_client: WebSocket
) -> None:
    echo_client.connection.transport.pause_reading()
    session = echo_app.session
    while not session.congested:
        session.write(plain_frame("4" + "x" * 60_000))
        await asyncio.sleep(0)
    await echo_app.stop()
    assert echo.reasons == ["transport close"]
