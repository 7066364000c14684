"""A WebSocket to an Engine.IO server, read frame by frame in gevent's loop."""

from time import monotonic_ns
from typing import Final

from loadtests.bench.frames import CLOSE, PING, PONG, TEXT, masked
from loadtests.swarm.network.address import Address
from loadtests.swarm.network.http import Cookies, Garbled, head_of
from loadtests.swarm.network.link import Listener
from loadtests.swarm.network.tls import opened

_UPGRADE: Final = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Host: %b\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n%b\r\n"
)
_NO_STATUS: Final = 1005
_SHORT: Final = 126


class WebSocket:
    """A :class:`~loadtests.swarm.network.link.Link`; its frames' mask is 0, which costs nothing."""

    __slots__ = ("_cookies", "_listener", "_rest", "_upgraded", "_wire")

    def __init__(self, address: Address, cookies: Cookies, listener: Listener) -> None:
        self._listener = listener
        self._cookies = cookies
        self._rest = b""
        self._upgraded = False
        self._wire = opened(address, self)
        self._wire.write(_UPGRADE % (address.host_header, cookies.header))

    def send(self, packet: bytes) -> None:
        """Send one packet as one frame."""
        self._wire.write(masked(packet))

    def close(self) -> None:
        """Drop the TCP connection."""
        self._wire.close()

    def received(self, data: bytes) -> None:
        """Handle all whole frames in what has arrived."""
        if self._rest:
            data = self._rest + data
        position = self._frames(data) if self._upgraded else self._answer(data)
        self._rest = data[position:]

    def broken(self, reason: str) -> None:
        """The TCP connection ended without a closing frame."""
        self._listener.lost(reason)

    def _frames(self, data: bytes, position: int = 0) -> int:
        """Returns where the first frame begins that is not whole yet."""
        now, end = monotonic_ns() // 1_000, len(data)
        packet = self._listener.packet
        while end - position >= 2:
            size, start = data[position + 1], position + 2
            if size >= _SHORT:
                size, start = _long_size(data, position)
            if start + size > end or not self._wire.is_open:
                break
            if data[position] == TEXT:
                packet(data, start, start + size, now)
            else:
                self._take_control(data[position], data[start : start + size])
            position = start + size
        return position

    def _answer(self, data: bytes) -> int:
        try:
            found = head_of(data)
        except Garbled as error:
            self._lose(str(error))
            return 0
        if found is None:
            return 0
        status, head, end = found
        if status != 101:
            self._refused(status)
            return end
        self._cookies.keep(head)
        self._upgraded = True
        return self._frames(data, end)

    def _refused(self, status: int) -> None:
        if status == 400:
            self._listener.bad_request()
        self._lose(f"answered with HTTP {status}")

    def _take_control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._wire.write(masked(payload, PONG))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2]) if len(payload) >= 2 else _NO_STATUS
            self._lose(f"closed with {code}", code)
        elif opcode != PONG:
            self._lose(f"sent a frame of kind {opcode:#x}")

    def _lose(self, reason: str, code: int = 0) -> None:
        self.close()
        self._listener.lost(reason, code)


def _long_size(data: bytes, position: int) -> tuple[int, int]:
    """The size of a longer frame and where its payload begins; beyond ``data`` if unknown."""
    wide = 2 if data[position + 1] == _SHORT else 8
    start = position + 2 + wide
    if start > len(data):
        return 0, start
    return int.from_bytes(data[position + 2 : start]), start
