"""The checker itself: it finds nothing wrong with a right server, and what is wrong with others."""

import contextlib
import socketserver
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha1
from typing import ClassVar

import pytest

from tests.conformance.rfc6455 import CASES
from tests.conformance.rfc6455_client import GUID
from tests.conformance.rfc6455_frames import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, mask
from tests.conformance.rfc6455_trial import Verdict, check

PATIENCE_SECONDS = 0.5
KNOWN_CODES = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
TRIED = ["1.1.2", "1.2.7", "2.2", "2.8", "3.1", "5.3", "5.9", "6.3.1", "6.5.5"]
TRIED += ["7.1.3", "7.7.3", "7.9.1", "x.1"]


class Failed(Exception):
    """The connection is to be failed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class RightServer(socketserver.StreamRequestHandler):
    """A small Engine.IO echo; what is wrong with the others, they override."""

    headers: ClassVar = ""

    def handle(self) -> None:
        lines = dict(line.split(": ", 1) for line in self.request_head()[1:])
        accept = b64encode(sha1(f"{lines['Sec-WebSocket-Key']}{GUID}".encode()).digest()).decode()
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n{self.headers}\r\n".encode()
        )
        self.say(TEXT, b"0{}")
        try:
            self.converse()
        except Failed as failed:
            self.close(failed.code)

    def request_head(self) -> list[str]:
        return list(iter(lambda: self.rfile.readline().decode().rstrip(), ""))

    def converse(self) -> None:
        message, opcode = b"", CONTINUATION
        while True:
            first, payload = self.frame()
            kind = first & 0x0F
            continues = kind == CONTINUATION
            if first & 0x70 or (kind < CLOSE and continues is (opcode == CONTINUATION)):
                raise Failed(1002)
            if kind == PING:
                self.answer(payload)
            elif kind == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                raise Failed(code if code in KNOWN_CODES else 1002)
            elif kind < CLOSE:
                message, opcode = message + payload, opcode or kind
                if first & 0x80:
                    self.take(opcode, message)
                    message, opcode = b"", CONTINUATION

    def frame(self) -> tuple[int, bytes]:
        first, second = self.rfile.read(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(self.rfile.read(2 if size == 126 else 8), "big")
        key = self.rfile.read(4)
        return first, mask(self.rfile.read(size), key)

    def take(self, opcode: int, message: bytes) -> None:
        if opcode == TEXT:
            try:
                message.decode()
            except UnicodeDecodeError:
                raise Failed(1007) from None
        self.say(opcode, message)

    def answer(self, payload: bytes) -> None:
        self.say(PONG, payload)

    def close(self, code: int) -> None:
        self.say(CLOSE, code.to_bytes(2, "big"))

    def say(self, opcode: int, payload: bytes) -> None:
        self.wfile.write(Frame(opcode=opcode, payload=payload, masked=False).encode())


class WrongCodes(RightServer):
    def close(self, code: int) -> None:
        super().close(1011 if code != 1000 else code)


class EmptyPongs(RightServer):
    def answer(self, payload: bytes) -> None:
        super().answer(b"")


class NeverHangsUp(RightServer):
    def close(self, code: int) -> None:
        super().close(code)
        while self.rfile.read(1):
            pass


class HangsUpSilently(RightServer):
    def close(self, code: int) -> None:
        """No close frame."""


class TalksAfterClose(RightServer):
    def close(self, code: int) -> None:
        super().close(code)
        self.say(PONG, b"")


class TakesAnyText(RightServer):
    def take(self, opcode: int, message: bytes) -> None:
        self.say(opcode, message)


class MasksFrames(RightServer):
    def say(self, opcode: int, payload: bytes) -> None:
        self.wfile.write(Frame(opcode=opcode, payload=payload).encode())


class AgreesToDeflate(RightServer):
    headers = "Sec-WebSocket-Extensions: permessage-deflate\r\n"


class SaysEverythingTwice(RightServer):
    def take(self, opcode: int, message: bytes) -> None:
        super().take(opcode, message)
        super().take(opcode, message)


class DropsTheLastOctet(RightServer):
    def take(self, opcode: int, message: bytes) -> None:
        super().take(opcode, message[:-1] if len(message) > 60_000 else message)


ALL = set(TRIED)
ECHOED = {"1.1.2", "1.2.7", "5.3", "6.5.5", "x.1"}
FOUND: dict[type[RightServer], set[str]] = {
    RightServer: set(),
    WrongCodes: {"3.1", "5.9", "6.3.1", "7.7.3", "7.9.1"},
    EmptyPongs: {"2.2"},
    NeverHangsUp: ALL,
    HangsUpSilently: ALL,
    TalksAfterClose: ALL,
    TakesAnyText: {"6.3.1"},
    MasksFrames: ALL,
    AgreesToDeflate: ALL,
    SaysEverythingTwice: ECHOED,
    DropsTheLastOctet: {"1.2.7"},
}


@contextlib.contextmanager
def serving(handler: type[RightServer]) -> Iterator[str]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """Clients leave when they like."""

    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"ws://127.0.0.1:{server.server_address[1]}/engine.io/?EIO=4&transport=websocket"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("handler", FOUND, ids=lambda handler: handler.__name__)
def test_what_is_wrong_is_found(handler: type[RightServer]) -> None:
    tried = [case for case in CASES if case.number in TRIED]
    with serving(handler) as url, ThreadPoolExecutor(len(tried)) as pool:
        results = list(pool.map(partial(check, url=url, patience=PATIENCE_SECONDS), tried))
    judged = zip(tried, results, strict=True)
    failed = {case.number for case, result in judged if result.verdict is Verdict.FAILED}
    assert failed == FOUND[handler], "\n\n".join(map(str, results))


def test_failing_late_is_told_from_failing_fast() -> None:
    (case,) = (case for case in CASES if case.number == "6.4.1")
    with serving(RightServer) as url:
        assert check(case, url).verdict is Verdict.NON_STRICT
