"""How much of a pod a TCP connection may take before its request is there."""

import asyncio
from collections.abc import Callable, Hashable, Iterable
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from whatchat.domain.errors import ErrorBody
from whatchat.realtime.wheel import Wheel

log = structlog.get_logger()

ARRIVAL_SECONDS: Final = 10.0
HEAD_BYTES: Final = 32 * 1024
"""For all of a request but its body: request line, headers, trailers, the framing of chunks."""

PIPELINED: Final = 16
"""Requests of one connection that may wait for the answer to an earlier one."""

LOG_SECONDS: Final = 10.0

IDLE_SECONDS: Final = 620
"""How long a connection without a request is kept.

Longer than proxies keep theirs (nginx and HAProxy 60 s, Traefik 90 s, Google's 600 s), so that it
is they who close: what is closed here while a request is on its way to it is answered 502 there.
"""


class Answer(NamedTuple):
    """A whole HTTP response, after which the connection is closed."""

    status: int
    wire: bytes


class Arriving(Hashable, Protocol):
    """A connection whose request is on its way."""

    def late(self) -> None:
        """Its time is over."""
        ...


class Resting(Hashable, Protocol):
    """A connection between two requests."""

    def make_room(self) -> None:
        """Close, for a newcomer."""
        ...


class Arrivals:
    """The connections of one server whose requests are on their way, or still to come.

    A connection has ``seconds`` for the head of its first request, counted from connecting;
    the same for the head of each later one, counted from its first byte; and the same again
    for each body. After that it is told that it is ``late``, once. All share one timer.
    """

    def __init__(self, most_connections: int, *, seconds: float = ARRIVAL_SECONDS) -> None:
        self._most_connections = most_connections
        self._wheel: Wheel[Arriving] = Wheel(seconds, lambda arriving: arriving.late())
        self._resting: dict[Resting, None] = {}
        self._turned_away = 0
        self._next_line = 0.0
        # The wheel's own, as a storm of connections passes here.
        self.restart: Callable[[Arriving], None] = self._wheel.put
        self.end: Callable[[Arriving], bool] = self._wheel.drop

    def __contains__(self, arriving: Arriving) -> bool:
        return arriving in self._wheel

    def begin(self, arriving: Arriving) -> None:
        """Start its time, unless it runs already."""
        if arriving not in self._wheel:
            self._wheel.put(arriving)

    def rest(self, resting: Resting) -> None:
        """It has been answered, and has asked for nothing more yet."""
        self._resting[resting] = None

    def wake(self, resting: Resting) -> None:
        """It rests no longer, if it did."""
        self._resting.pop(resting, None)

    def is_full(self, connections: int) -> bool:
        """Whether ``connections``, the newest included, are too many; counts it as turned away."""
        if connections <= self._most_connections:
            return False
        if self._resting:
            resting = next(iter(self._resting))
            self.wake(resting)
            resting.make_room()
            return False
        self._turned_away += 1
        now = asyncio.get_running_loop().time()
        if now >= self._next_line:
            self._next_line = now + LOG_SECONDS
            log.warning("no room for more connections", turned_away=self._turned_away)
        return True


def log_refusal(answer: Answer) -> None:
    """One line for a request that came to nothing before any application saw it."""
    log.info("request refused", status=answer.status)


def head_size(url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The bytes of a request's head, separators left out."""
    return len(url) + sum(len(name) + len(value) for name, value in headers)


def _answer(status: HTTPStatus, error: ErrorBody) -> Answer:
    body = msgspec.json.encode({"error": error})
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        "cache-control: no-store\r\n"
        "connection: close\r\n\r\n"
    )
    return Answer(status.value, head.encode() + body)


NOT_HTTP: Final = _answer(
    HTTPStatus.BAD_REQUEST,
    ErrorBody(code="invalid", message="this is not HTTP", retryable=False),
)
TOO_LATE: Final = _answer(
    HTTPStatus.REQUEST_TIMEOUT,
    ErrorBody(code="unavailable", message="the request took too long", retryable=True),
)
HEAD_TOO_LARGE: Final = _answer(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ErrorBody(code="too_large", message="the request's head is too large", retryable=False),
)
FULL: Final = _answer(
    HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorBody(code="unavailable", message="too many connections", retryable=True),
)
