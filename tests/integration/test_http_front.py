"""What raw TCP connections can do to the server's HTTP, on the loop of production."""

import asyncio
import gc
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self, cast

import pytest
import uvicorn
import uvloop
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from whatchat.entrypoints.server import UNTAKEN_SECONDS, PodServer, connections_within, listen
from whatchat.realtime.arrivals import HEAD_BYTES, PIPELINED, Arrivals
from whatchat.realtime.bounded_http import BoundedHttp, bounded_http

SECONDS = 0.4
PATIENCE_SECONDS = 5.0
LARGE = 16 * 1024 * 1024
GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


class EchoSocket(asyncio.Protocol):
    """In place of a WebSocket: agrees to everything, then sends back all that it gets."""

    def __init__(self, heads: list[bytes], **uvicorn_options: Any) -> None:
        self._heads = heads
        self._connections = uvicorn_options["server_state"].connections
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data if self._is_open else SWITCHED)
        if not self._is_open:
            self._heads.append(data)
        self._is_open = True

    def shutdown(self) -> None:
        self._transport.close()


class App:
    """Answers what it was sent; ``/slow`` only once it is told to, ``/late`` reads only then."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.calls: list[str] = []
        self.upgrades: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append(scope["path"])
        if scope["path"] == "/late":
            await self._wait()
        body = await _body(receive)
        if body is None:
            return
        if scope["path"] == "/slow":
            await self._wait()
        names = [name.decode() for name, _ in scope["headers"]]
        content = json.dumps({"path": scope["path"], "body": len(body), "names": names}).encode()
        if scope["path"] == "/large":
            content += b" " * LARGE
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _wait(self) -> None:
        await asyncio.to_thread(self.go.wait)


async def _body(receive: Receive) -> bytes | None:
    body, more = b"", True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        more = message["more_body"]
    return body


class Front:
    """A server in a thread of its own."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket, app: App) -> None:
        self.app = app
        self._server = server
        self._port = listener.getsockname()[1]
        self._open = ExitStack()
        self._thread = threading.Thread(target=lambda: uvloop.run(server.serve([listener])))

    def __enter__(self) -> Self:
        self._thread.start()
        eventually(lambda: self._server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self.app.go.set()
        self._open.close()
        self._server.should_exit = True
        self._thread.join()

    @property
    def connections(self) -> int:
        return len(self._server.server_state.connections)

    def connect(self) -> "Caller":
        connection = socket.create_connection(("127.0.0.1", self._port), PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Caller(self._open.enter_context(connection))


class Caller:
    """A TCP connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def drip(self, data: bytes, size: int = 1, pause: float = 0.0) -> bool:
        """Send in pieces; false if the server did not take all."""
        try:
            for start in range(0, len(data), size):
                self._connection.sendall(data[start : start + size])
                time.sleep(pause)
        except OSError:
            return False
        return True

    def rest(self) -> bytes:
        """All until the server closes."""
        got = b""
        while True:
            try:
                data = self._connection.recv(65_536)
            except ConnectionResetError:
                return got
            if not data:
                return got
            got += data

    def answer(self) -> tuple[int, Any]:
        """Status and content of the next response."""
        head = self.until(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head)
        assert found, head
        return int(head[9:12]), json.loads(self.exactly(int(found[1])))

    def until(self, end: bytes) -> bytes:
        got = b""
        while not got.endswith(end):
            got += self.exactly(1)
        return got

    def exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            data = self._connection.recv(size - len(got))
            assert data, f"the server has closed after {got!r}"
            got += data
        return got

    def close(self) -> None:
        self._connection.close()

    def cut(self) -> None:
        """Close with a reset, as a client that is gone does."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


def eventually(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def running(most_connections: int = 100, seconds: float = SECONDS) -> Iterator[Front]:
    app = App()
    config = uvicorn.Config(
        app,
        http=bounded_http(Arrivals(most_connections, seconds=seconds)),
        ws=cast("Any", lambda **options: EchoSocket(app.upgrades, **options)),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    with Front(uvicorn.Server(config), listen("127.0.0.1", 0), app) as front:
        yield front


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with running() as front:
        yield front


@pytest.fixture
def caller(front: Front) -> Iterator[Caller]:
    front.app.go.clear()
    caller = front.connect()
    yield caller
    front.app.go.set()
    caller.close()


def status_of(response: bytes) -> int:
    return int(response[9:12]) if response else 0


# In time.


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"\r\n",
        GET[:-2],
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcd",
    ],
    ids=["silence", "one byte", "an empty line", "half a head", "half a body"],
)
def test_a_request_that_does_not_come_is_answered_408(caller: Caller, sent: bytes) -> None:
    start = time.monotonic()
    caller.send(sent)
    with capture_logs() as lines:
        assert status_of(caller.rest()) == 408
    assert 0.9 * SECONDS < time.monotonic() - start < SECONDS + 2
    assert lines == [{"event": "request refused", "status": 408, "log_level": "info"}]


def test_dripping_gains_no_time(caller: Caller) -> None:
    start = time.monotonic()
    caller.drip(GET[:-4] + b"A" * 1_000, pause=0.02)
    assert time.monotonic() - start < SECONDS + 2
    assert status_of(caller.rest()) in {0, 408}


def test_a_body_has_its_own_time(caller: Caller) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    caller.drip(head, size=len(head) // 2, pause=0.3 * SECONDS)
    caller.drip(b"ab", pause=0.3 * SECONDS)
    assert caller.answer()[1]["body"] == 2


@pytest.mark.parametrize("part", [b"\r\n", GET[:-2]])
def test_the_next_request_has_its_time_from_its_first_byte(caller: Caller, part: bytes) -> None:
    caller.send(GET)
    assert caller.answer()[0] == 200
    time.sleep(1.5 * SECONDS)
    caller.send(GET)
    assert caller.answer()[0] == 200
    start = time.monotonic()
    caller.send(part)
    assert status_of(caller.rest()) in {0, 408}
    assert 0.9 * SECONDS < time.monotonic() - start < SECONDS + 2


def test_an_answer_may_take_longer(front: Front, caller: Caller) -> None:
    caller.send(GET.replace(b"echo", b"slow"))
    time.sleep(2 * SECONDS)
    front.app.go.set()
    assert caller.answer()[0] == 200


def test_a_body_that_is_not_read_is_not_late(front: Front, caller: Caller) -> None:
    size = 8 * 1024 * 1024
    caller.send(b"POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
    sending = threading.Thread(target=caller.send, args=(b"x" * size,))
    sending.start()
    time.sleep(2.5 * SECONDS)
    front.app.go.set()
    assert caller.answer()[1]["body"] == size
    sending.join()


@pytest.mark.parametrize("sent", [b"\x00", GET[:-2]], ids=["garbage", "half a head"])
def test_who_reads_nothing_is_cut_off(sent: bytes) -> None:
    with running() as front:
        caller = front.connect()
        caller.send(GET.replace(b"echo", b"large"))
        eventually(lambda: front.app.calls == ["/large"])
        caller.send(sent)
        eventually(lambda: front.connections == 0)


def test_the_kernel_cuts_off_who_takes_nothing_for_a_minute() -> None:
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            option = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert option == UNTAKEN_SECONDS * 1_000


# In bytes.


def cookies(size: int) -> bytes:
    return GET[:-2] + b"Cookie: " + b"c" * size + b"\r\n\r\n"


def test_sixteen_kibibytes_of_cookies_pass(caller: Caller) -> None:
    caller.send(cookies(16 * 1024))
    assert caller.answer()[0] == 200
    caller.drip(cookies(16 * 1024), size=1_000)
    assert caller.answer()[0] == 200


def many(size: int) -> bytes:
    return GET[:-2] + b"".join(b"X-%d: y\r\n" % number for number in range(size // 8)) + b"\r\n"


TOO_LARGE = {
    "one line": cookies(HEAD_BYTES),
    "many lines": many(2 * HEAD_BYTES),
    "no end": GET[:-2] + b"X: " + b"y" * HEAD_BYTES,
    "a name without end": GET[:-2] + b"y" * HEAD_BYTES,
    "a path without end": b"GET /" + b"a" * HEAD_BYTES,
    "trailers": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "
    + b"y" * HEAD_BYTES,
    "tiny chunks": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"1\r\nx\r\n" * HEAD_BYTES,
}


@pytest.mark.parametrize("size", [1_000, 1_000_000], ids=["in pieces", "at once"])
@pytest.mark.parametrize("before", [b"", GET], ids=["first", "second"])
@pytest.mark.parametrize("request_sent", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_head_above_32_kib_is_answered_431(
    caller: Caller, request_sent: bytes, before: bytes, size: int
) -> None:
    if before:
        caller.send(before)
        assert caller.answer()[0] == 200
    caller.drip(request_sent, size)
    response = caller.rest()
    assert status_of(response) == 431
    assert b'"code":"too_large"' in response


def test_a_body_is_not_counted(caller: Caller) -> None:
    body = b"x" * (4 * HEAD_BYTES)
    for size in (1_000, 1_000_000):
        caller.drip(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        caller.drip(body, size)
        assert caller.answer()[1]["body"] == len(body)
    chunks = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    caller.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    caller.send(chunks * 64 + b"0\r\n\r\n" + GET)
    assert caller.answer()[1]["body"] == 64 * 0x1000
    assert caller.answer()[0] == 200


def test_trailers_are_not_headers(caller: Caller) -> None:
    caller.send(
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\nx\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
    )
    assert caller.answer()[1]["names"] == ["host", "transfer-encoding"]


# In number.


def test_connections_above_the_cap_are_answered_503() -> None:
    with running(most_connections=3) as front:
        polling, socket_, third = front.connect(), front.connect(), front.connect()
        socket_.send(UPGRADE + b"\r\n")
        assert socket_.exactly(len(SWITCHED)) == SWITCHED
        polling.send(GET.replace(b"echo", b"slow"))
        eventually(lambda: front.app.calls == ["/slow"])
        assert front.connections == 3
        response = front.connect().rest()
        assert status_of(response) == 503
        assert b'"code":"unavailable"' in response
        eventually(lambda: front.connections == 3)
        socket_.close()
        eventually(lambda: front.connections == 2)
        fourth = front.connect()
        fourth.send(GET)
        assert fourth.answer()[0] == 200
        for connection in (polling, third, fourth):
            connection.close()
        eventually(lambda: front.connections == 0)


def test_a_connection_that_rests_makes_room_for_a_newcomer_the_longest_first() -> None:
    with running(most_connections=2) as front:
        first, second = front.connect(), front.connect()
        for resting in (first, second, first):
            resting.send(GET)
            assert resting.answer()[0] == 200
        newcomer = front.connect()
        newcomer.send(GET)
        assert newcomer.answer()[0] == 200
        assert second.rest() == b""
        eventually(lambda: front.connections == 2)
        first.send(GET)
        assert first.answer()[0] == 200


def test_a_connection_that_is_cut_while_it_rests_leaves_nothing() -> None:
    app = App()
    with Front(PodServer(app), listen("127.0.0.1", 0), app) as front:
        callers = [front.connect() for _ in range(5)]
        for caller in callers:
            caller.send(GET)
            assert caller.answer()[0] == 200
        assert _protocols() == 5
        for caller in callers:
            caller.cut()
        eventually(lambda: _protocols() == 0)


def test_proxies_close_idle_connections_before_a_pod_does() -> None:
    longest_of_proxies = 600  # Google's; nginx and HAProxy 60, Traefik 90
    assert PodServer(App()).config.timeout_keep_alive > longest_of_proxies


def _protocols() -> int:
    gc.collect()
    return sum(isinstance(each, BoundedHttp) for each in gc.get_objects())


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(20_000, 19_488), (1024, 512), (256, 128)]
)
def test_the_cap_leaves_descriptors_for_the_rest(descriptors: int, connections: int) -> None:
    assert connections_within(descriptors) == connections


# In order.


def test_pipelined_requests_are_answered_in_order(front: Front, caller: Caller) -> None:
    slow, last = GET.replace(b"echo", b"slow"), GET.replace(b"echo", b"last")
    caller.send(slow + GET * (PIPELINED - 1) + last)
    time.sleep(2 * SECONDS)
    front.app.go.set()
    answers = [caller.answer()[1]["path"] for _ in range(PIPELINED + 1)]
    assert answers == ["/slow", *["/echo"] * (PIPELINED - 1), "/last"]
    caller.send(GET)
    assert caller.answer()[0] == 200


def test_more_pipelined_requests_than_that_end_the_connection(front: Front, caller: Caller) -> None:
    caller.send(GET.replace(b"echo", b"slow") + GET * 1_000)
    time.sleep(0.1)
    front.app.go.set()
    assert caller.rest().count(b"HTTP/1.1 200 OK") == PIPELINED + 1


GARBAGE = [b"\x00\xff" * 50, b"NO SUCH THING\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_answered_400_and_behind_a_request_ends_the_connection(
    front: Front, caller: Caller, garbage: bytes
) -> None:
    caller.send(GET.replace(b"echo", b"slow") + garbage)
    caller.send(garbage)
    front.app.go.set()
    assert caller.answer()[0] == 200
    assert caller.rest() == b""
    other = front.connect()
    other.send(garbage)
    assert status_of(other.rest()) == 400


# Upgrades.


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_upgrade_is_understood_however_it_is_split(
    front: Front, caller: Caller, size: int
) -> None:
    caller.drip(UPGRADE + b"\r\n", size)
    assert caller.exactly(len(SWITCHED)) == SWITCHED
    head = front.app.upgrades[-1]
    assert head.startswith(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\n")
    assert head.endswith(b"sec-websocket-version: 13\r\n\r\n")
    time.sleep(1.5 * SECONDS)
    caller.send(b"still here")
    assert caller.exactly(10) == b"still here"


@pytest.mark.parametrize("size", [1, 1_000, 100_000])
def test_an_upgrade_may_carry_16_kib_of_cookies(size: int) -> None:
    cookie = b"cookie: " + b"c" * 16 * 1024
    with running(seconds=10) as front:
        caller = front.connect()
        caller.drip(UPGRADE + cookie + b"\r\n\r\n", size)
        assert caller.exactly(len(SWITCHED)) == SWITCHED
        assert cookie in front.app.upgrades[-1]


def test_an_upgrade_with_too_much_is_answered_431(front: Front, caller: Caller) -> None:
    heads = len(front.app.upgrades)
    caller.drip(UPGRADE + b"Cookie: " + b"c" * HEAD_BYTES + b"\r\n\r\n", 100_000)
    assert status_of(caller.rest()) == 431
    assert len(front.app.upgrades) == heads


def test_half_an_upgrade_is_answered_408(caller: Caller) -> None:
    caller.send(UPGRADE)
    assert status_of(caller.rest()) == 408


def test_what_follows_an_upgrade_at_once_is_not_lost(caller: Caller) -> None:
    caller.send(UPGRADE + b"\r\n" + b"hasty frames")
    assert caller.exactly(len(SWITCHED) + 12) == SWITCHED + b"hasty frames"


def test_an_upgrade_may_follow_a_request_but_not_overtake_it(front: Front, caller: Caller) -> None:
    caller.send(GET)
    assert caller.answer()[0] == 200
    caller.send(UPGRADE + b"\r\n")
    assert caller.exactly(len(SWITCHED)) == SWITCHED
    other = front.connect()
    other.send(GET.replace(b"echo", b"slow") + UPGRADE + b"\r\n")
    time.sleep(0.1)
    front.app.go.set()
    assert other.answer()[0] == 200
    assert other.rest() == b""


@contextmanager
def clogged(seconds: float) -> Iterator[tuple[Front, Caller]]:
    """Who has been answered, reads little of that, and asks for an upgrade."""
    with running(seconds=seconds) as front:
        caller = front.connect()
        caller.send(GET.replace(b"echo", b"large"))
        caller.exactly(1_000)
        caller.send(UPGRADE + b"\r\n")
        yield front, caller


def test_an_upgrade_on_a_connection_that_is_not_read_is_answered_400() -> None:
    with clogged(seconds=10) as (front, caller):
        answer = caller.rest()[LARGE - 1_000 :]
        assert status_of(answer[answer.index(b"HTTP/1.1") :]) == 400
        assert front.app.upgrades == []


def test_who_asks_for_an_upgrade_and_reads_nothing_is_cut_off() -> None:
    with clogged(seconds=SECONDS) as (front, _):
        eventually(lambda: front.connections == 0)


def test_the_end_of_another_upgrades_body_is_no_request(front: Front, caller: Caller) -> None:
    hidden = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
    caller.send(
        b"POST /slow HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Content-Length: %d\r\n\r\n" % len(hidden)
    )
    time.sleep(0.05)
    caller.send(hidden)
    time.sleep(0.05)
    front.app.go.set()
    assert caller.answer()[0] == 200
    assert caller.rest() == b""
    assert "/hidden" not in front.app.calls


def test_an_upgraded_connection_keeps_nothing_of_http(front: Front) -> None:
    callers = [front.connect() for _ in range(5)]
    gc.collect()
    gc.disable()
    try:
        for caller in callers:
            caller.send(UPGRADE + b"\r\n")
            caller.exactly(len(SWITCHED))
        assert not [each for each in gc.get_objects() if isinstance(each, BoundedHttp)]
    finally:
        gc.enable()
        for caller in callers:
            caller.close()


def test_a_port_without_sockets_answers_an_upgrade_as_any_request() -> None:
    app = App()
    server = PodServer(app)
    with Front(server, listen("127.0.0.1", 0), app) as front:
        caller = front.connect()
        caller.send(UPGRADE + b"\r\n")
        status, content = caller.answer()
        assert (status, content["path"]) == (200, "/socket.io/")
        assert caller.rest() == b""
