"""A WebSocket client without manners: it sends any octets, and takes only correct ones."""

import contextlib
import select
import socket
import time
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tests.conformance.rfc6455_frames import (
    CLOSE,
    CONTINUATION,
    NAMES,
    Message,
)

PATIENCE_SECONDS: Final = 10.0
KEY: Final = b64encode(b"the sample nonce").decode()
GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
OCTET_SECONDS: Final = 0.0003
"""Between octets that are sent one by one, so that the server reads them one by one."""


class Violation(Exception):
    """The server does not do what RFC 6455 says."""


class Ended(Violation):
    """The server ended the TCP connection."""


class Client:
    """One connection, open from the start; every wait ends after ``patience`` seconds."""

    def __init__(
        self, url: str, *, extensions: str = "", patience: float = PATIENCE_SECONDS
    ) -> None:
        parts = urlsplit(url)
        if parts.hostname is None or parts.port is None:
            raise ValueError(f"neither a host nor a port in {url}")
        self._patience = patience
        self._buffer = bytearray()
        self._socket = socket.create_connection((parts.hostname, parts.port), patience)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._shake_hands(f"{parts.path}?{parts.query}", parts.netloc, extensions)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, chops: Iterable[bytes]) -> None:
        """Send each chop in a segment of its own, as far as the server still listens."""
        with contextlib.suppress(ConnectionError):  # what it said before is yet to be read
            for chop in chops:
                self._socket.sendall(chop)
                if len(chop) == 1:
                    time.sleep(OCTET_SECONDS)

    def hears(self, seconds: float) -> bool:
        """Whether anything arrives in this time, were it the end."""
        return bool(self._buffer or select.select([self._socket], [], [], seconds)[0])

    def receive(self) -> Message:
        """The next control frame or whole message; raises ``Violation`` at whatever is wrong."""
        opcode, payload, fin = self._frame()
        if opcode == CONTINUATION:
            raise Violation("a continuation of nothing")
        while not fin:
            more, part, fin = self._frame()
            if more != CONTINUATION:
                raise Violation(f"{NAMES[more]} within a fragmented message")
            payload += part
        return Message(opcode, payload)

    def await_end(self) -> None:
        """Return once the server has closed the TCP connection; nothing more may come."""
        with contextlib.suppress(Ended):
            raise Violation(f"{self.receive()} after the close frame")

    def _frame(self) -> tuple[int, bytes, bool]:
        first, second = self._take(2)
        opcode, fin = first & 0x0F, bool(first & 0x80)
        if first & 0x70:
            raise Violation("RSV bits without an extension")
        if opcode not in NAMES:
            raise Violation(f"the reserved opcode {opcode}")
        if second & 0x80:
            raise Violation("a masked frame")
        if opcode >= CLOSE and (not fin or second > 125):
            raise Violation("a fragmented or over-long control frame")
        return opcode, self._take(self._length(second)), fin

    def _length(self, size: int) -> int:
        if size < 126:
            return size
        octets, least = (2, 126) if size == 126 else (8, 1 << 16)
        length = int.from_bytes(self._take(octets), "big")
        if length < least:
            raise Violation(f"the length {length} in {octets} octets")
        return length

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._read()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _read(self) -> None:
        try:
            octets = self._socket.recv(1 << 18)
        except TimeoutError:
            raise Violation(f"nothing came for {self._patience:g} s") from None
        except ConnectionError as error:
            raise Ended("the server reset the TCP connection") from error
        if not octets:
            raise Ended("the server closed the TCP connection")
        self._buffer += octets

    def _shake_hands(self, target: str, host: str, extensions: str) -> None:
        offer = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        self._socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\n{offer}\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            self._read()
        head = self._take(self._buffer.index(b"\r\n\r\n") + 4)
        status, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        _check_answer(status, headers)


def _check_answer(status: str, headers: dict[str, str]) -> None:
    """Section 4.2.2, with no extension and no subprotocol agreed to."""
    accept = b64encode(sha1(f"{KEY}{GUID}".encode()).digest()).decode()
    expected = {
        "upgrade": "websocket",
        "connection": "upgrade",
        "sec-websocket-accept": accept.lower(),
        "sec-websocket-extensions": "",
        "sec-websocket-protocol": "",
    }
    if not status.startswith("HTTP/1.1 101 "):
        raise Violation(f"the handshake was answered with {status!r}")
    for name, value in expected.items():
        if headers.get(name, "").lower() != value:
            raise Violation(f"the handshake's answer has {name}: {headers.get(name)!r}")
