"""A TCP connection that lives in gevent's loop, with no greenlet of its own."""

import errno
import os
import socket
from typing import Any, Final, Protocol

import gevent
from gevent import monkey

from loadtests.swarm.network.address import Address

READ_BYTES: Final = 16_384
MOST_UNSENT: Final = 1 << 18
"""Who takes less than that behind is given up, as a program with bounded memory would."""

_READ: Final = 1
_WRITE: Final = 2
_ABORT: Final = b"\1\0\0\0\0\0\0\0"
_BY_PORT_LATE: Final = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)  # named from 3.12 on

_raw_socket: Final[type[socket.socket]] = monkey.get_original("socket", "socket")


class Owner(Protocol):
    """Whom a wire tells, from within the loop: neither may wait for anything."""

    def received(self, data: bytes) -> None:
        """Take what has arrived."""

    def broken(self, reason: str) -> None:
        """The connection is over; told once, and never after :meth:`Wire.close`."""


class Wire:
    """Writes without waiting, also before it is connected; hands over what arrives.

    Making one raises :class:`OSError` where this machine has no port or descriptor left. Closing
    it leaves nothing behind in TIME_WAIT.
    """

    __slots__ = ("_owner", "_reader", "_sock", "_unsent", "_writer", "is_open")

    def __init__(self, address: Address, owner: Owner) -> None:
        self._owner = owner
        self._unsent = b""
        self.is_open = True
        self._sock = _connecting(address)
        loop = gevent.get_hub().loop
        self._reader: Any = loop.io(self._sock.fileno(), _READ)
        self._reader.start(self._read)
        self._writer: Any = loop.io(self._sock.fileno(), _WRITE)
        self._writer.start(self._connected)

    def write(self, data: bytes) -> None:
        """Send now or, where the network does not take it, in order as soon as it does."""
        if self._writer is None and self.is_open:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self._break(_named(error))
                return
            if sent == len(data):
                return
            data = data[sent:]
            self._watch_room()
        self._unsent += data
        if len(self._unsent) > MOST_UNSENT:
            self._break("unsent data is piling up")

    def close(self) -> None:
        """Go away without a word."""
        if not self.is_open:
            return
        self.is_open = False
        for watcher in (self._reader, self._writer):
            if watcher is not None:
                watcher.close()
        self._sock.close()

    def _read(self) -> None:
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(_named(error))
            return
        if data:
            self._owner.received(data)
        else:
            self._break("closed by the server")

    def _connected(self) -> None:
        failure = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            self._break(os.strerror(failure))
        else:
            self._flush()

    def _watch_room(self) -> None:
        self._writer = gevent.get_hub().loop.io(self._sock.fileno(), _WRITE)
        self._writer.start(self._flush)

    def _flush(self) -> None:
        self._writer.close()
        self._writer = None
        data, self._unsent = self._unsent, b""
        if data:
            self.write(data)

    def _break(self, reason: str) -> None:
        if self.is_open:
            self.close()
            self._owner.broken(reason)


def _connecting(address: Address) -> socket.socket:
    sock = _raw_socket(address.family, socket.SOCK_STREAM)
    sock.settimeout(0)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    if source := address.source():
        # A port is then taken by address and peer: many addresses have ports for all.
        sock.setsockopt(socket.IPPROTO_IP, _BY_PORT_LATE, 1)
        sock.bind(source)
    failure = sock.connect_ex(address.place)
    if failure not in (0, errno.EINPROGRESS):
        sock.close()
        raise OSError(failure, os.strerror(failure))
    return sock


def _named(error: OSError) -> str:
    return error.strerror or type(error).__name__
