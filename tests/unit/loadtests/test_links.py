"""What arrives is taken apart rightly, however the network cut it up."""

import errno
import socket
from collections.abc import Iterator
from typing import Protocol

import pytest

from loadtests.swarm.network.address import Address, Unreachable
from loadtests.swarm.network.http import Cookies, Garbled, answer_of
from loadtests.swarm.network.polling import Polling
from loadtests.swarm.network.session import Asked, Session
from loadtests.swarm.network.tls import SecretWire, opened
from loadtests.swarm.network.websocket import WebSocket
from loadtests.swarm.network.wire import Owner, Wire

UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Set-Cookie: pod=a; Path=/; HttpOnly\r\n\r\n"
)
TEXTS = [b"0{}", b"x" * 125, b"y" * 126, b"z" * 65_535, b"w" * 70_000, b"2"]


class Heard:
    """A listener that writes down."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.losses: list[tuple[str, int]] = []
        self.bad_requests = 0

    def packet(self, data: bytes, start: int, end: int, now_us: int) -> None:
        assert now_us > 0
        self.packets.append(data[start:end])

    def lost(self, reason: str, code: int = 0) -> None:
        self.losses.append((reason, code))

    def bad_request(self) -> None:
        self.bad_requests += 1


class Link(Protocol):
    def received(self, data: bytes) -> None: ...
    def close(self) -> None: ...


@pytest.fixture
def address() -> Iterator[Address]:
    """Somebody listens there, and never says anything: tests say what has arrived."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address(f"http://127.0.0.1:{server.getsockname()[1]}")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def cookies() -> Cookies:
    return Cookies()


@pytest.fixture
def link(address: Address, cookies: Cookies, heard: Heard) -> Iterator[WebSocket]:
    made = WebSocket(address, cookies, heard)
    yield made
    made.close()


@pytest.fixture
def polling(address: Address, cookies: Cookies, heard: Heard) -> Iterator[Polling]:
    made = Polling(address, cookies, heard)
    yield made
    made.close()


def frame(payload: bytes, opcode: int = 0x81) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return bytes((opcode, 126)) + size.to_bytes(2) + payload
    return bytes((opcode, 127)) + size.to_bytes(8) + payload


@pytest.mark.parametrize("step", [1, 3, 16_384, 1_000_000])
def test_frames_are_found_however_they_are_cut(link: WebSocket, heard: Heard, step: int) -> None:
    stream = UPGRADED + b"".join(map(frame, TEXTS if step > 1 else TEXTS[:3]))
    for at in range(0, len(stream), step):
        link.received(stream[at : at + step])
    assert heard.packets == (TEXTS if step > 1 else TEXTS[:3])
    assert not heard.losses


class Confused:
    """Whom a session is for, and who takes only what it knows."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self.crashes = 0

    def heard(self, data: bytes, start: int, end: int, now_us: int) -> None:
        raise NotImplementedError

    def told(self, event: str, body: bytes) -> None:
        self.known.append(event)

    def answered(self, asked: Asked, reply: object, now_us: int) -> None:
        raise NotImplementedError

    def lost(self, reason: str, code: int, unanswered: list[Asked]) -> None:
        raise NotImplementedError

    def bad_request(self) -> None:
        raise NotImplementedError

    def crashed(self, error: Exception) -> None:
        assert isinstance(error, NotImplementedError)
        self.crashes += 1


def test_a_packet_that_cannot_be_taken_keeps_no_other_from_being(
    address: Address, cookies: Cookies
) -> None:
    person = Confused()
    session = Session(person, address, cookies, "token", polling=False)
    link = session._link
    assert isinstance(link, WebSocket)
    new, known = b'42["message:new",{"roomId":"a","rev":1}]', b'42["room:rev",{}]'
    link.received(UPGRADED + frame(new) + frame(known))
    session.close()
    assert (person.crashes, person.known) == (1, ["room:rev"])


def test_an_upgrade_leaves_its_cookies(link: WebSocket, cookies: Cookies) -> None:
    link.received(UPGRADED)
    assert cookies.header == b"Cookie: pod=a\r\n"


def test_a_closing_frame_ends_all(link: WebSocket, heard: Heard) -> None:
    link.received(UPGRADED + frame((4503).to_bytes(2), 0x88) + frame(b"late"))
    assert heard.losses == [("closed with 4503", 4503)]
    assert not heard.packets


@pytest.mark.parametrize(("status", "bad"), [(b"400 Bad Request", 1), (b"503 Unavailable", 0)])
def test_a_refused_upgrade_is_a_loss(
    link: WebSocket, heard: Heard, status: bytes, bad: int
) -> None:
    link.received(b"HTTP/1.1 %b\r\n\r\n" % status)
    assert heard.losses == [(f"answered with HTTP {status[:3].decode()}", 0)]
    assert heard.bad_requests == bad


def test_what_is_no_http_is_a_loss(link: WebSocket, heard: Heard) -> None:
    link.received(b"SSH-2.0-something\r\n\r\n")
    assert heard.losses == [("the answer is not HTTP/1.1", 0)]


def test_answers_are_found_however_they_are_cut() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a=1\r\n\r\nabc"
    for end in range(len(answer)):
        assert answer_of(answer[:end]) is None
    found = answer_of(answer + b"HTTP")
    assert found is not None
    assert (found.status, found.body, found.rest) == (200, b"abc", b"HTTP")
    with pytest.raises(Garbled):
        answer_of(b"HTTP/1.1 200 OK\r\n\r\nabc")


def test_packets_of_one_payload_come_one_by_one(polling: Polling, heard: Heard) -> None:
    body = b'0{"sid":"abc"}\x1e2\x1e42["x",{}]'
    polling._gets.received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    assert heard.packets == body.split(b"\x1e")
    assert polling._path.endswith(b"&sid=abc")


def test_who_cannot_speak_does_not_listen_either(
    address: Address, cookies: Cookies, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Wire | SecretWire] = []

    def once(address: Address, owner: Owner) -> Wire | SecretWire:
        if made:
            raise OSError(errno.EMFILE, "Too many open files")
        made.append(opened(address, owner))
        return made[0]

    monkeypatch.setattr("loadtests.swarm.network.polling.opened", once)
    with pytest.raises(OSError, match="Too many open files"):
        Polling(address, cookies, heard)
    assert not made[0].is_open


def test_a_request_answered_with_400_is_counted(polling: Polling, heard: Heard) -> None:
    polling._gets.received(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
    assert heard.bad_requests == 1
    assert heard.losses == [("answered with HTTP 400", 0)]


def test_people_on_loopback_come_from_many_addresses(address: Address) -> None:
    sources = [address.source() for _ in range(100)]
    assert len({source[0] for source in sources if source}) == 64


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://localhost", "http://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(Unreachable):
        Address(url)
