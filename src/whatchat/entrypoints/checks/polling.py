"""A Socket.IO client that polls, on the standard library alone: what every ingress must carry."""

from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import quote

import msgspec

from whatchat.entrypoints.checks.peer import Answer, CheckFailed, Peer

PATH: Final = "/socket.io/?EIO=4&transport="
SEPARATOR: Final = b"\x1e"
PING, PONG, CLOSE = b"2", b"3", b"1"
CONNECT, CONNECT_ERROR, EVENT, ACK = b"40", b"44", b"42", b"43"
_ACK_ID: Final = b"1"
_ANSWER_SECONDS: Final = 10.0

_AT_MOST: Final = 3
_AGAIN_SECONDS: Final = 1.0

_UPGRADE: Final = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "d2hhdGNoYXQtY2hlY2stMQ==",
}


class Unknown(CheckFailed):
    """A request came to a pod that does not know its session."""


class PollingSocket:
    """One Engine.IO session, and on it one Socket.IO connection once :meth:`connect` was called.

    Requests follow one another; events that come while something else is waited for are kept
    in ``heard``. Every method raises :class:`CheckFailed`, of which :class:`Unknown` is one.
    """

    def __init__(self, url: str) -> None:
        self._peer = Peer(url)
        opened = self._handshake()
        handshake = opened._replace(body=opened.body[1:]).json()
        if opened.status != 200 or not isinstance(handshake, dict):
            raise CheckFailed(f"{url} answers a handshake with {opened.status}")
        self._session = f"&sid={quote(str(handshake.get('sid')))}"
        self.heard: list[tuple[str, Any]] = []

    def say(self, packet: bytes) -> None:
        """Send one packet."""
        answer = self._peer.ask("POST", f"{PATH}polling{self._session}", packet)
        self._expect(answer.status)

    def upgrades(self) -> bool:
        """Whether a WebSocket may take over; it is dropped at once, and the session with it."""
        target = f"{PATH}websocket{self._session}"
        return self._peer.ask("GET", target, headers=_UPGRADE).status == 101

    def connect(self, token: str) -> None:
        """Become the account's socket; returns once it is told that all is ready."""
        self.say(CONNECT + msgspec.json.encode({"token": token}))
        self.hear("session:ready", _ANSWER_SECONDS)

    def emit(self, event: str, data: object) -> Any:
        """What a command is acknowledged with."""
        self.say(EVENT + _ACK_ID + msgspec.json.encode([event, data]))
        deadline = monotonic() + _ANSWER_SECONDS
        while (left := deadline - monotonic()) > 0:
            for packet in self._poll(left):
                if packet.startswith(ACK + _ACK_ID):
                    return _acknowledged(event, packet)
        raise CheckFailed(f"{event} is not acknowledged within {_ANSWER_SECONDS:.0f} s")

    def hear(self, event: str, seconds: float) -> Any:
        """The data of the next event of that name, kept or to come; it is kept no longer."""
        deadline = monotonic() + seconds
        while True:
            for at, (name, data) in enumerate(self.heard):
                if name == event:
                    del self.heard[at]
                    return data
            if (left := deadline - monotonic()) <= 0:
                raise CheckFailed(f"{event} does not come within {seconds:.0f} s")
            self._poll(left)

    def close(self) -> None:
        """Say goodbye; harmless if it is over already."""
        try:
            self.say(CLOSE)
        except CheckFailed:
            return

    def _handshake(self) -> Answer:
        """Comes again, as every client does, where a pod sends newcomers elsewhere."""
        for _ in range(_AT_MOST - 1):
            answer = self._peer.ask("GET", f"{PATH}polling")
            if answer.status != 503:
                return answer
            sleep(_AGAIN_SECONDS)
        return self._peer.ask("GET", f"{PATH}polling")

    def _poll(self, seconds: float) -> list[bytes]:
        """What one GET brings, its events put away."""
        answer = self._peer.ask("GET", f"{PATH}polling{self._session}", seconds=max(seconds, 0.05))
        self._expect(answer.status)
        packets = answer.body.split(SEPARATOR)
        for packet in packets:
            if packet == PING:
                self.say(PONG)
            elif packet.startswith(EVENT):
                name, *data = msgspec.json.decode(packet[packet.index(b"[") :])
                self.heard.append((name, data[0] if data else None))
            elif packet.startswith((CONNECT_ERROR, CLOSE)):
                raise CheckFailed(f"{self._peer.url} closes the connection")
        return packets

    def _expect(self, status: int) -> None:
        if status == 400:
            raise Unknown(f"{self._peer.url} answers 400: it does not know the session")
        if status != 200:
            raise CheckFailed(f"{self._peer.url} answers a poll with {status}")


def _acknowledged(event: str, packet: bytes) -> Any:
    (answer,) = msgspec.json.decode(packet[packet.index(b"[") :])
    if not answer["ok"]:
        raise CheckFailed(f"{event} is refused: {answer['error']['code']}")
    return answer["data"]
