"""What ``whatchat check`` makes of single answers."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

import pytest

from whatchat.entrypoints.checks import polling
from whatchat.entrypoints.checks.peer import CheckFailed
from whatchat.entrypoints.checks.pods import PodAddress
from whatchat.entrypoints.checks.polling import PONG, PollingSocket

HANDSHAKE = b'0{"sid":"abc"}'


class Said(NamedTuple):
    status: int
    body: bytes = b""
    cookies: tuple[str, ...] = ()


class Server(ThreadingHTTPServer):
    """Says these one after the other, and keeps the cookies that it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.to_say: list[Said] = []
        self.cookies: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.cookies.append(self.headers.get("cookie"))
        said = self.server.to_say.pop(0)
        self.send_response(said.status)
        for cookie in said.cookies:
            self.send_header("set-cookie", cookie)
        self.send_header("content-length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nobody reads that."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(polling, "_AGAIN_SECONDS", 0.0)
    with Server() as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def test_whom_a_pod_sends_elsewhere_comes_again_without_its_cookie(server: Server) -> None:
    server.to_say = [
        Said(503, cookies=("POD=a; Path=/",)),
        Said(503, cookies=("POD=; Path=/; Max-Age=0", "OTHER=1; Path=/")),
        Said(200, HANDSHAKE, ("POD=b; Path=/",)),
        Said(200, b"ok"),
    ]
    PollingSocket(server.url).say(PONG)
    assert server.cookies == [None, "POD=a", "OTHER=1", "OTHER=1; POD=b"]


def test_where_nobody_is_let_in_is_said(server: Server) -> None:
    server.to_say = [Said(503)] * 3
    with pytest.raises(CheckFailed, match="answers a handshake with 503"):
        PollingSocket(server.url)
    assert server.to_say == []


def test_who_is_no_chat_is_told(server: Server) -> None:
    server.to_say = [Said(200, b"0 is not a handshake")]
    with pytest.raises(CheckFailed, match="answers a handshake with 200"):
        PollingSocket(server.url)


@pytest.mark.parametrize(
    "url", ["chat.example.org", "http://[::1", "http://h:99999", f"http://{'a' * 64}.invalid"]
)
def test_what_can_be_no_address_is_said(url: str) -> None:
    with pytest.raises(CheckFailed, match=re.escape(url)):
        PollingSocket(url)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(CheckFailed) as raised:
        PollingSocket("https://ada:rosebud@chat.example.org")
    assert "rosebud" not in str(raised.value)


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (b'{"dependencies": {"pod": "ok", "store": "error"}}', "store"),
        (
            b'{"dependencies": {"a": "error", "b": "error"}, "reasons": {"a": "no answer"}}',
            "a: no answer; b",
        ),
        (b"Not here", "status 503"),
        (b"[]", "status 503"),
    ],
)
def test_a_pod_that_is_not_ready_says_why(server: Server, told: bytes, line: str) -> None:
    server.to_say = [Said(503, told)]
    with pytest.raises(CheckFailed) as raised:
        PodAddress(server.url, server.url).require_ready()
    assert str(raised.value) == f"{server.url} is not ready: {line}"
