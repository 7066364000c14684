"""Spans on their way to a collector: OTLP over HTTP.

Only what the settings say counts. Proxies and the ``OTEL_*`` variables of the environment do
not, which is why the libraries' own exporter is not used. The format's classes are theirs, and
are imported with this module: import it only where there is a collector.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR
from ssl import SSLContext, create_default_context
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter

from whatchat.observability.otlp_encoding import Encoder
from whatchat.observability.spans import Span

log = structlog.get_logger("whatchat.tracing")

MAX_WAITING: Final = 4_096
MAX_BATCH: Final = 256
INTERVAL_SECONDS: Final = 1.0
"""So long spans are gathered, unless there is a whole batch of them."""

DEADLINE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 2.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0

PATH: Final = "/v1/traces"
_AGAIN: Final = frozenset({429, 502, 503, 504})
"""What the OTLP specification lets be sent again; whatever else is refused is dropped."""

_MAX_ANSWER: Final = 65_536


class Failure(NamedTuple):
    """Why a batch was not taken; ``pause``: whether it may be sent again, and after how long."""

    reason: str
    pause: float | None


class Collector:
    """Where spans are sent. Each request has a connection and a deadline of its own."""

    def __init__(
        self, endpoint: str, headers: Mapping[str, str], tls: SSLContext | None = None
    ) -> None:
        parts = urlsplit(endpoint)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = (tls or create_default_context()) if parts.scheme == "https" else None
        path = parts.path.rstrip("/")
        self._path = path if path.endswith(PATH) else f"{path}{PATH}"
        self._headers = {
            **headers,
            "content-type": "application/x-protobuf",
            "user-agent": "whatchat",
        }
        self._connection: HTTPConnection | None = None

    def send(self, body: bytes, seconds: float) -> Failure | None:
        """Have a request taken; never raises."""
        connection = self._connection = self._connect(seconds)
        cutting = threading.Timer(seconds, self.cut)
        cutting.daemon = True
        cutting.start()
        try:
            with closing(connection):
                connection.request("POST", self._path, body, self._headers)
                with connection.getresponse() as answer:
                    answer.read(_MAX_ANSWER)
        except (OSError, HTTPException, ValueError) as error:
            return Failure(type(error).__name__, 0.0)
        finally:
            cutting.cancel()
        if 200 <= answer.status < 300:
            return None
        again = _seconds(answer.getheader("retry-after")) if answer.status in _AGAIN else None
        return Failure(f"status {answer.status}", again)

    def cut(self) -> None:
        """End the request under way; harmless if there is none."""
        connection = self._connection
        if connection is not None and (socket := connection.sock) is not None:
            with suppress(OSError):
                socket.shutdown(SHUT_RDWR)

    def _connect(self, seconds: float) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=seconds)
        return HTTPSConnection(self._host, self._port, timeout=seconds, context=self._tls)


class Exporter:
    """Takes spans, and sends them in batches from a thread of its own.

    Whoever hands one over never waits. At most ``MAX_WAITING`` wait; those for which there is
    no room, and those that the collector refuses, are counted as dropped. While it cannot be
    reached, or asks for patience, the same batch is sent again, with growing pauses. All that
    is logged is that it begins to fail, and that it works again.
    """

    def __init__(self, collector: Collector, encoder: Encoder, spans: Counter) -> None:
        self._collector = collector
        self._encoder = encoder
        self._exported = spans.labels("exported")
        self._dropped = spans.labels("dropped")
        self._waiting: deque[Span] = deque()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._until = float("inf")
        self._fails = False
        self._thread: threading.Thread | None = None

    def take(self, span: Span) -> None:
        """Send a span that has ended, some time."""
        if len(self._waiting) >= MAX_WAITING or self._closed.is_set():
            self._dropped.inc()
            return
        self._waiting.append(span)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="otlp", daemon=True)
            self._thread.start()
        elif len(self._waiting) == MAX_BATCH:
            self._wake.set()

    async def close(self) -> None:
        """Send what waits, within ``CLOSE_SECONDS``; the rest is dropped."""
        self._until = monotonic() + CLOSE_SECONDS
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
            self._collector.cut()
        if self._waiting:
            self._dropped.inc(len(self._waiting))
            self._waiting.clear()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(INTERVAL_SECONDS)
            self._wake.clear()
            while batch := self._batch():
                self._see_to(batch)

    def _batch(self) -> list[Span]:
        """The oldest that wait. There is one thread that takes them away."""
        if monotonic() >= self._until:
            return []
        return [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]

    def _see_to(self, batch: Sequence[Span]) -> None:
        """Send a batch until it is taken, or is not to be sent again."""
        pause = FIRST_PAUSE
        try:
            body = self._encoder.encode(batch)
        except Exception:
            log.exception("spans cannot be encoded")
            self._dropped.inc(len(batch))
            return
        while failure := self._send(body):
            if failure.pause is None or self._pauses(max(pause, failure.pause)):
                self._dropped.inc(len(batch))
                return
            pause = min(pause * 2, LONGEST_PAUSE)
        self._exported.inc(len(batch))

    def _send(self, body: bytes) -> Failure | None:
        left = min(DEADLINE_SECONDS, self._until - monotonic())
        failure = self._collector.send(body, left) if left > 0 else Failure("no time", None)
        if (failure is not None) != self._fails:
            self._fails = failure is not None
            if failure is not None:
                log.warning("traces cannot be exported", reason=failure.reason)
            else:
                log.info("traces are exported again")
        return failure

    def _pauses(self, seconds: float) -> bool:
        """Wait before the next attempt; true if there is to be none, as this is closed."""
        return self._closed.wait(min(seconds, LONGEST_PAUSE))


def exporter_to(endpoint: str, headers: Mapping[str, str], pod: str, spans: Counter) -> Exporter:
    """An exporter of one pod's spans, counted by ``spans``."""
    return Exporter(Collector(endpoint, headers), Encoder(pod), spans)


def _seconds(retry_after: str | None) -> float:
    """What ``Retry-After`` asks for; dates, and what cannot be read, count as not said."""
    digits = (retry_after or "").strip()
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0.0
