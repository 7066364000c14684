"""An HTTP server, asked as a browser asks it: with its cookies, and no connection is the same."""

import ssl
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

SECONDS: Final = 10.0
"""For each step of an exchange, unless its caller says otherwise."""

NOTHING: Final[Mapping[str, str]] = {}


class CheckFailed(Exception):
    """Something is not as it must be; the text is one line without any secret."""


class Answer(NamedTuple):
    """What a server said."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, read; ``None`` if it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None


class Peer:
    """Whoever answers at ``url``. It keeps its cookies, as a sticky proxy needs; nothing else.

    Every request has a connection of its own: on one that stays open any proxy is sticky.
    Redirects are not followed, and proxies of the environment are not used.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            self._parts = parts = urlsplit(self.url)
            self._port = parts.port
        except ValueError as error:
            raise CheckFailed(f"{url} is no address: {error}") from None
        if parts.username is not None:
            raise CheckFailed("an address has no name and password in it")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CheckFailed(f"{url} is no address such as https://chat.example.org")
        self._cookies: dict[str, str] = {}

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] = NOTHING,
        seconds: float = SECONDS,
    ) -> Answer:
        """The answer to one request. Raises :class:`CheckFailed` if there is none."""
        sent = {"user-agent": "whatchat-check", **headers}
        if self._cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            with closing(self._connection(seconds)) as connection:
                connection.request(method, self._parts.path + target, body, sent)
                answer = connection.getresponse()
                self._keep(answer.headers.get_all("set-cookie") or [])
                return Answer(answer.status, b"" if answer.status == 101 else answer.read())
        except (OSError, HTTPException, UnicodeError) as error:  # the latter: no such name can be
            reason = (getattr(error, "strerror", None) or str(error)).partition("\n")[0]
            raise CheckFailed(
                f"no answer from {self.url}: {reason or type(error).__name__}"
            ) from None

    def _connection(self, seconds: float) -> HTTPConnection:
        host, port = self._parts.hostname or "", self._port
        if self._parts.scheme == "http":
            return HTTPConnection(host, port, timeout=seconds)
        tls = ssl.create_default_context()
        return HTTPSConnection(host, port, timeout=seconds, context=tls)

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            try:
                cookies = SimpleCookie(line)
            except CookieError:
                continue
            for name, cookie in cookies.items():
                if cookie.value and cookie["max-age"] != "0":
                    self._cookies[name] = cookie.value
                else:
                    self._cookies.pop(name, None)
