"""One Socket.IO connection of one person: packets told apart by how they begin.

Hardly any packet is decoded: what comes by the thousand says all that is needed at a known place.
"""

from collections.abc import Callable
from time import monotonic_ns
from typing import Final, NamedTuple, Protocol

import msgspec

from loadtests.bench.frames import ACKED, OPENED, REFUSED
from loadtests.swarm.network.address import Address
from loadtests.swarm.network.http import Cookies
from loadtests.swarm.network.link import Link
from loadtests.swarm.network.polling import Polling
from loadtests.swarm.network.websocket import WebSocket

MESSAGE: Final = b'42["message:new",{"roomId":"'
_EVENT: Final = b'42["'
_DISCONNECTED: Final = b"41"
_PING: Final = 0x32
_CLOSED: Final = 0x31
_OK: Final = b'[{"ok":true'


class Reply(NamedTuple):
    """An ack: ``data[start:end]`` is the JSON array of its arguments."""

    is_ok: bool
    data: bytes
    start: int
    end: int

    def text(self) -> bytes:
        """All of it."""
        return self.data[self.start : self.end]


Replied = Callable[[Reply], None]


class Asked(NamedTuple):
    """A command that has no ack yet; ``about`` is its sender's, to do it again by."""

    event: str
    sent_us: int
    replied: Replied
    about: object


class Attendant(Protocol):
    """Who a session is for; called within gevent's loop."""

    def heard(self, data: bytes, start: int, end: int, now_us: int) -> None:
        """Take a ``message:new`` that begins like :data:`MESSAGE`."""

    def told(self, event: str, body: bytes) -> None:
        """Take another event; ``body`` is the JSON of its data."""

    def answered(self, asked: Asked, reply: Reply, now_us: int) -> None:
        """Take an ack."""

    def lost(self, reason: str, code: int, unanswered: list[Asked]) -> None:
        """The session is over, by nobody's wish here."""

    def bad_request(self) -> None:
        """A request was answered with 400."""

    def crashed(self, error: Exception) -> None:
        """A packet could not be taken."""


class Session:
    """Signs in with ``token``, answers heartbeats, numbers commands.

    Commands without an answer are in ``unanswered``, by number.
    """

    __slots__ = ("_attendant", "_link", "_number", "_token", "is_open", "unanswered")

    def __init__(
        self,
        attendant: Attendant,
        address: Address,
        cookies: Cookies,
        token: str,
        *,
        polling: bool,
    ) -> None:
        self._attendant = attendant
        self._token = token
        self._number = 0
        self.is_open = True
        self.unanswered: dict[int, Asked] = {}
        kind = Polling if polling else WebSocket
        self._link: Link = kind(address, cookies, self)

    def ask(self, event: str, body: bytes, replied: Replied, about: object = None) -> int:
        """Send a command; returns its number."""
        number = self._number
        self._number = number + 1
        self.unanswered[number] = Asked(event, monotonic_ns() // 1_000, replied, about)
        self._link.send(b'42%d["%b",%b]' % (number, event.encode(), body))
        return number

    def drop(self, reason: str) -> None:
        """Give it up, as if the network had."""
        self.lost(reason)

    def close(self) -> None:
        """Go away; nobody is told."""
        self.is_open = False
        self._link.close()

    def packet(self, data: bytes, start: int, end: int, now_us: int) -> None:
        """Take a packet of Engine.IO; one that cannot be taken keeps no other from being."""
        try:
            if data.startswith(MESSAGE, start):
                self._attendant.heard(data, start, end, now_us)
            elif data.startswith(ACKED, start):
                self._acked(data, start, end, now_us)
            elif data.startswith(_EVENT, start):
                self._told(data[start + len(_EVENT) : end])
            elif end - start == 1 and data[start] == _PING:
                self._link.send(b"3")
            else:
                self._manage(data[start:end])
        except Exception as error:  # noqa: BLE001  # gevent's loop would not have it counted
            self._attendant.crashed(error)

    def lost(self, reason: str, code: int = 0) -> None:
        """The link is over."""
        if self.is_open:
            self.close()
            self._attendant.lost(reason, code, list(self.unanswered.values()))

    def bad_request(self) -> None:
        """A request was answered with 400."""
        self._attendant.bad_request()

    def _acked(self, data: bytes, start: int, end: int, now_us: int) -> None:
        begin = data.index(b"[", start, end)
        asked = self.unanswered.pop(int(data[start + 2 : begin]), None)
        if asked is None:
            self.drop("an ack that nobody waits for")
        else:
            reply = Reply(data.startswith(_OK, begin), data, begin, end)
            self._attendant.answered(asked, reply, now_us)

    def _told(self, packet: bytes) -> None:
        name, _, body = packet.partition(b'",')
        self._attendant.told(name.decode(), body[:-1])

    def _manage(self, packet: bytes) -> None:
        if packet.startswith(OPENED):
            self._link.send(b"40" + msgspec.json.encode({"token": self._token}))
            self._token = ""  # 300 bytes that are not asked for again
        elif packet.startswith(REFUSED):
            self.lost(_why(packet[2:]))
        elif packet.startswith(_DISCONNECTED):
            self.lost("disconnected by the server")
        elif packet and packet[0] == _CLOSED:
            self.lost("closed by Engine.IO")


class _Refusal(msgspec.Struct):
    message: str = "no reason"


def _why(body: bytes) -> str:
    return f"CONNECT refused: {msgspec.json.decode(body, type=_Refusal).message}"
