"""Documents by the standard library's HTTP client."""

import asyncio
import ssl
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR
from typing import Final
from urllib.parse import urlsplit

from whatchat.domain.errors import Unavailable

DEADLINE_SECONDS: Final = 5.0
MAX_BYTES: Final = 262_144

_HEADERS: Final = {"accept": "application/json", "user-agent": "whatchat"}


class HttpDocuments:
    """Implements ``WebDocuments``; certificates are checked against the system's authorities.

    Each reading has a connection and, as it is rare and the library blocks, a thread; when its
    time is over the connection is cut, which ends the thread. Proxies of the environment are
    not used.
    """

    def __init__(
        self, *, seconds: float = DEADLINE_SECONDS, authorities: ssl.SSLContext | None = None
    ) -> None:
        self._seconds = seconds
        self._tls = authorities or ssl.create_default_context()

    async def read(self, url: str) -> bytes:
        try:
            connection = self._connection(url)
        except ValueError:
            raise Unavailable("not a URL that can be read") from None
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.to_thread(_read, connection, url)
        except TimeoutError:
            raise Unavailable("no answer in time") from None
        except (OSError, HTTPException) as error:
            raise Unavailable(f"no answer: {type(error).__name__}") from None
        finally:
            _cut(connection)

    def _connection(self, url: str) -> HTTPConnection:
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in {"http", "https"}:
            raise ValueError(url)
        if parts.scheme == "http":
            return HTTPConnection(parts.hostname, parts.port, timeout=self._seconds)
        return HTTPSConnection(parts.hostname, parts.port, timeout=self._seconds, context=self._tls)


def _read(connection: HTTPConnection, url: str) -> bytes:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    with closing(connection):
        connection.request("GET", target, headers=_HEADERS)
        answer = connection.getresponse()
        if answer.status != 200:
            raise Unavailable(f"the answer has status {answer.status}")
        content = answer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unavailable("the answer is too large")
    return content


def _cut(connection: HTTPConnection) -> None:
    """Wake the thread that may still wait; harmless if the connection is closed."""
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(SHUT_RDWR)
