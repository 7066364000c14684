"""The load: many clients in one process, and a schedule that does not wait for the server."""

import gc
import math
import select
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from loadtests.bench.client import Client, Refused, Tally
from loadtests.bench.frames import EPOCH_US, upgrade_request
from loadtests.bench.people import Person
from loadtests.bench.timer import Timer

AT_ONCE: Final = 200
"""Handshakes in flight during a storm: fewer than any server's backlog."""

CLIENTS_PER_ADDRESS: Final = 50
STALL_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 60.0

_BATCH: Final = 64
_NS: Final = 1_000_000_000


class Heard(NamedTuple):
    """What became of the messages of one schedule; ``latencies`` are in µs, sorted.

    ``planned`` messages were to be sent, ``sent`` were before patience ended.
    ``ack_latencies`` are there where acks say whose they are.
    """

    planned: int
    sent: int
    acked: int
    expected: int
    latencies: Sequence[int]
    ack_latencies: Sequence[int] = ()

    @property
    def delivered(self) -> int:
        """How many copies arrived."""
        return len(self.latencies)

    @property
    def complete(self) -> bool:
        """Whether all was sent, heard by all and acknowledged."""
        return (self.sent, self.acked, self.delivered) == (
            self.planned,
            self.planned,
            self.expected,
        )

    def percentile_ms(self, percent: int) -> float:
        """The latency that so many per cent of the deliveries did not exceed."""
        return percentile_ms(self.latencies, percent)


class Load:
    """Clients of one server, driven from one loop; Python's collector is off meanwhile."""

    def __init__(self, port: int, client: type[Client] = Client) -> None:
        self.tally = Tally()
        self.clients: list[Client] = []
        self._rooms: dict[int, list[Client]] = {}
        self._port = port
        self._client = client
        self._epoll = select.epoll()
        self._timer = Timer()
        self._by_fd: dict[int, Callable[[], None]] = {self._timer.fd: _nothing}
        self._epoll.register(self._timer.fd, select.EPOLLIN | select.EPOLLET)
        self._ready = 0
        gc.collect()
        gc.disable()

    def connect(
        self, people: Sequence[Person], *, port: int | None = None, silent: bool = False
    ) -> float:
        """Sign everybody in, as fast as the server takes them; returns the seconds it took.

        At another server if ``port`` says so; those who are ``silent`` are never made to speak.
        """
        port = port or self._port
        began, first, last_ready = time.monotonic(), len(self.clients), self._ready
        total = first + len(people)
        stall = began + STALL_SECONDS
        while self._ready < total:
            while len(self.clients) < total and len(self.clients) - self._ready < AT_ONCE:
                self._open(people[len(self.clients) - first], port, silent=silent)
            self._turn(0.1)
            if self._ready > last_ready:
                last_ready, stall = self._ready, time.monotonic() + STALL_SECONDS
            elif time.monotonic() > stall:
                raise Refused(f"only {self._ready} of {total} clients were let in")
        return time.monotonic() - began

    def idle(self, seconds: float) -> None:
        """Say nothing for a while, only answer heartbeats."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._turn(left)

    def send(self, rate: float, seconds: float, *, patience: float = DRAIN_SECONDS) -> Heard:
        """Have so many messages a second sent, evenly, and wait for what becomes of them.

        Rooms take turns, and within a room its members. The schedule is fixed beforehand:
        a message that could only be sent late counts as late. Sending ends early when the
        server is more than ``patience`` seconds behind.
        """
        rooms = list(self._rooms.values())
        unheard = 0 if self._client.hears_itself else 1
        behind = patience * rate * (sum(map(len, rooms)) / len(rooms) - unheard)
        planned, before = max(1, round(rate * seconds)), self.tally.acked
        self.tally.latencies, self.tally.ack_latencies = [], []
        sent = expected = 0
        start = time.monotonic_ns() + _NS // 1000
        for number in range(planned):
            due = start + round(number * _NS / rate)
            self._wait_until(due)
            turn, place = divmod(number, len(rooms))
            room = rooms[place]
            room[turn % len(room)].say(due // 1000 + EPOCH_US)
            sent, expected = sent + 1, expected + len(room) - unheard
            if expected - len(self.tally.latencies) > behind:
                break
        self._drain(before + sent, expected)
        latencies, ack_latencies = sorted(self.tally.latencies), sorted(self.tally.ack_latencies)
        return Heard(planned, sent, self.tally.acked - before, expected, latencies, ack_latencies)

    def close(self) -> None:
        """Let all clients go."""
        for client in self.clients:
            client.close()
        self._timer.close()
        self._epoll.close()
        gc.enable()

    def _open(self, person: Person, port: int, *, silent: bool) -> None:
        client = self._client(
            _address(len(self.clients)), port, person, self.tally, self._count_ready
        )
        self.clients.append(client)
        if not silent:
            self._rooms.setdefault(person.room, []).append(client)
        self._by_fd[client.fd] = client.read
        self._epoll.register(client.fd, select.EPOLLIN)
        client.write(upgrade_request(port))

    def _count_ready(self) -> None:
        self._ready += 1

    def _wait_until(self, at_ns: int) -> None:
        while time.monotonic_ns() < at_ns:
            self._timer.arm(at_ns)
            self._turn(1.0)

    def _drain(self, acked: int, expected: int) -> None:
        """Wait until everything has arrived, or nothing more does."""
        end = time.monotonic() + DRAIN_SECONDS
        stall, last = time.monotonic() + STALL_SECONDS, 0
        while (now := time.monotonic()) < min(end, stall):
            arrived = len(self.tally.latencies)
            if arrived >= expected and self.tally.acked >= acked:
                return
            if arrived > last:
                last, stall = arrived, now + STALL_SECONDS
            self._turn(0.05)

    def _turn(self, seconds: float) -> None:
        by_fd = self._by_fd
        for fd, _ in self._epoll.poll(seconds, _BATCH):
            by_fd[fd]()


def percentile_ms(latencies: Sequence[int], percent: int) -> float:
    """What so many per cent of sorted latencies in µs do not exceed; infinity of none."""
    if not latencies:
        return math.inf
    return latencies[(len(latencies) - 1) * percent // 100] / 1000


def _address(number: int) -> str:
    """Where a client comes from: many addresses, as no server likes all from one."""
    return f"127.0.1.{1 + number // CLIENTS_PER_ADDRESS % 254}"


def _nothing() -> None:
    """Nothing is read from an edge-triggered timer."""
