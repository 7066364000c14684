"""One person signs in by polling, to see whether the others could: plain HTTP, nothing else."""

import contextlib
import http.client
import json
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any, Final, Self
from urllib.parse import SplitResult, urlsplit

PATH: Final = "/socket.io/?EIO=4&transport=polling"
BETWEEN: Final = "\x1e"
SECONDS: Final = 10.0
POLLS: Final = 20
"""An answer that is not within so many is none."""


class Refused(Exception):
    """The server would not have this client: ``status`` of HTTP, or ``code`` of Socket.IO."""

    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(code or f"status {status}")
        self.status = status
        self.code = code


class NotSpoken(Exception):
    """What answers does not speak Engine.IO."""


class Trial:
    """A session by polling; a proxy's cookies are kept. All methods block, and raise ``OSError``.

    Raises :class:`Refused` and :class:`NotSpoken` as well, and what ``http.client`` raises.
    """

    def __init__(self, url: str) -> None:
        self._http = connection(urlsplit(url))
        self._cookies: dict[str, str] = {}
        self._sid = ""
        self._events: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException, Refused):
            if self._sid:
                self._ask("POST", "1")
        self._http.close()

    def shake_hands(self) -> None:
        """Open a session."""
        text = self._ask("GET")
        try:
            opened = json.loads(text.removeprefix("0")) if text.startswith("0") else {}
        except ValueError:
            opened = {}
        if "sid" not in opened:
            raise NotSpoken
        self._sid = str(opened["sid"])

    def sign_in(self, token: str) -> dict[str, Any]:
        """What ``session:ready`` says. Raises :class:`Refused` with its code if it never comes."""
        self.say(["40" + json.dumps({"token": token})])
        for _ in range(POLLS):
            packet = self._next()
            if packet.startswith("44"):
                told = json.loads(packet[2:])
                raise Refused(200, str((told.get("data") or told).get("code", "refused")))
            if packet.startswith('42["session:ready"'):
                ready: dict[str, Any] = json.loads(packet[2:])[1]
                return ready
        raise NotSpoken

    def ask(self, event: str, data: object, times: int) -> list[dict[str, Any]]:
        """The acks of a command that is sent so many times at once."""
        self.say([f"42{number}{json.dumps([event, data])}" for number in range(times)])
        acks: list[dict[str, Any]] = []
        for _ in range(POLLS * times):
            packet = self._next()
            if packet.startswith("43"):
                acks.append(json.loads(packet[packet.index("[") :])[0])
            if len(acks) == times:
                return acks
        raise NotSpoken

    def say(self, packets: Sequence[str]) -> None:
        """Send all of them in one request."""
        self._ask("POST", BETWEEN.join(packets))

    def _next(self) -> str:
        while not self._events:
            self._events = self._ask("GET").split(BETWEEN)
            if "2" in self._events:
                self.say(["3"])
        return self._events.pop(0)

    def _ask(self, method: str, body: str | None = None) -> str:
        headers = {"Content-Type": "text/plain;charset=UTF-8"} if body else {}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={val}" for name, val in self._cookies.items())
        path = f"{PATH}&sid={self._sid}" if self._sid else PATH
        self._http.request(method, path, body and body.encode(), headers)
        answer = self._http.getresponse()
        text = answer.read().decode(errors="replace")
        for line in answer.headers.get_all("Set-Cookie") or ():
            self._cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
        if answer.status != 200:
            raise Refused(answer.status)
        return text


def connection(url: SplitResult) -> http.client.HTTPConnection:
    """One to a server, not made yet, with TLS if its address says so."""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname or "", url.port, timeout=SECONDS)
