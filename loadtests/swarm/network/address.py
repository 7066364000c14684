"""Where the servers are, and from which addresses people come to them."""

import ipaddress
import itertools
import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_SOURCES: Final = 64
"""Each has 28,000 ports of its own towards one server."""


class Unreachable(Exception):
    """Nobody can be found by that name."""


class Address:
    """A server by its URL, looked up once.

    On loopback people come from many addresses in turn, for one has ports for 28,000 at most.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise Unreachable(f"{url!r} is no http:// or https:// URL")
        self.name: str = parts.hostname
        self.host_header = parts.netloc.rpartition("@")[2].encode()
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.family, self.place = _found(self.name, parts.port or _PORTS[parts.scheme])
        self._sources = _sources(self.place[0])

    def source(self) -> tuple[str, int] | None:
        """Where the next connection comes from; ``None`` if the system is to choose."""
        return next(self._sources, None)


def _found(name: str, port: int) -> tuple[int, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{name} is not known: {error.strerror}") from None
    family, *_, place = min(found)  # IPv4 before IPv6
    return family, (str(place[0]), port)


def _sources(place: str) -> Iterator[tuple[str, int]]:
    if not ipaddress.ip_address(place).is_loopback or ":" in place:
        return iter(())
    return itertools.cycle([(f"127.0.{number}.1", 0) for number in range(1, _SOURCES + 1)])
