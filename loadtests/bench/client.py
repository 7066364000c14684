"""One client of the load: a raw socket and as little as possible around it."""

import socket
from collections.abc import Callable
from time import monotonic_ns
from typing import ClassVar, Final

from loadtests.bench.frames import (
    ACKED,
    AT_DIGITS,
    BEAT,
    BEAT_ANSWER,
    CLOSE,
    EPOCH_US,
    HEARD,
    OPENED,
    PING,
    PONG,
    READY,
    REFUSED,
    TEXT,
    masked,
    say,
)
from loadtests.bench.people import Person

CONNECT_SECONDS: Final = 10.0
READ_BYTES: Final = 8192

_ABORT: Final = b"\1\0\0\0\0\0\0\0"
_END_OF_HEAD: Final = b"\r\n\r\n"
_AT: Final = len(HEARD)
_END_OF_AT: Final = _AT + AT_DIGITS


class Refused(Exception):
    """The server did not let a client in."""


class Tally:
    """What all clients of a load have met so far.

    ``latencies`` holds, for each delivery, the microseconds from the moment at which its
    message was due to be sent to the moment at which it was read; ``ack_latencies`` the same
    for each ack, where acks say whose they are.
    """

    __slots__ = ("ack_latencies", "acked", "latencies", "lost", "unsent")

    def __init__(self) -> None:
        self.latencies: list[int] = []
        self.ack_latencies: list[int] = []
        self.acked = self.lost = self.unsent = 0


class Client:
    """Signs in, answers heartbeats, and counts what it hears.

    ``ready`` is called once the server has greeted it.
    """

    __slots__ = ("_person", "_ready", "_rest", "_sock", "_upgraded", "fd", "open", "tally")

    hears_itself: ClassVar[bool] = True
    """Whether what it says is delivered to it as well."""

    def __init__(
        self, address: str, port: int, person: Person, tally: Tally, ready: Callable[[], None]
    ) -> None:
        self.tally = tally
        self.open = True
        self._person = person
        self._ready = ready
        self._rest = b""
        self._upgraded = False
        self._sock = socket.socket()
        self._sock.settimeout(CONNECT_SECONDS)
        # A port is then taken by address and peer: many addresses have ports for all.
        self._sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Closing leaves nothing behind in TIME_WAIT.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._sock.bind((address, 0))
        self._sock.connect(("127.0.0.1", port))
        self._sock.settimeout(0)
        self.fd = self._sock.fileno()

    def write(self, data: bytes) -> None:
        """Send now; what the network does not take at once counts as not sent."""
        try:
            if self.open and self._sock.send(data) == len(data):
                return
        except OSError:
            pass
        self.tally.unsent += 1

    def say(self, at_us: int) -> None:
        """Send a message that was due at ``at_us``."""
        self.write(say(at_us))

    def read(self) -> None:
        """Take what has arrived."""
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        if self._rest:
            data = self._rest + data
        self._rest = data[self._take(data) :]

    def close(self) -> None:
        """Go away without a word."""
        self.open = False
        self._sock.close()

    def _take(self, data: bytes) -> int:
        """Handle all whole frames; returns where the rest begins."""
        position = 0 if self._upgraded else self._take_answer(data)
        if not self._upgraded:
            return 0
        now, end = monotonic_ns() // 1000 + EPOCH_US, len(data)
        while end - position >= 2:
            size, start = data[position + 1], position + 2
            if size >= 126:
                size, start = _long_size(data, position)
            if start + size > end:
                break
            if not self._count(data, start, now):
                self._take_other(data[position], data[start : start + size])
            position = start + size
        return position

    def _count(self, data: bytes, start: int, now: int) -> bool:
        """Count the payload that begins at ``start`` if it is a delivery or an ack."""
        if data.startswith(HEARD, start):
            self.tally.latencies.append(now - int(data[start + _AT : start + _END_OF_AT]))
        elif data.startswith(ACKED, start):
            self.tally.acked += 1
        else:
            return False
        return True

    def _take_answer(self, data: bytes) -> int:
        """Handle the answer to the upgrade; returns where the first frame begins."""
        end = data.find(_END_OF_HEAD)
        if end < 0:
            return 0
        if not data.startswith(b"HTTP/1.1 101 "):
            raise Refused(data[:end].decode("latin-1"))
        self._upgraded = True
        return end + len(_END_OF_HEAD)

    def _take_other(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT and payload == BEAT:
            self.write(BEAT_ANSWER)
        elif opcode == TEXT and payload.startswith(OPENED):
            self.write(self._person.connect)
        elif opcode == TEXT and payload.startswith(READY):
            self._ready()
        elif opcode == TEXT and payload.startswith(REFUSED):
            raise Refused(payload.decode())
        elif opcode == PING:
            self.write(masked(payload, PONG))
        elif opcode == CLOSE:
            self._lose()

    def _lose(self) -> None:
        if self.open:
            self.tally.lost += 1
            self.close()


def _long_size(data: bytes, position: int) -> tuple[int, int]:
    """The size of a longer frame and where its payload begins; beyond ``data`` if unknown."""
    if data[position + 1] == 126:
        return int.from_bytes(data[position + 2 : position + 4]), position + 4
    return int.from_bytes(data[position + 2 : position + 10]), position + 10
