"""Calls of the admin API, from a command line."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from whatchat.domain.contract import Command, Endpoint
from whatchat.domain.errors import ErrorBody
from whatchat.entrypoints.arguments import QUERY_METHODS
from whatchat.entrypoints.http import path_parameters, split_route

SECONDS: Final = 30.0
"""For each step of a call; what changes something is recorded before it is answered."""

PAGE: Final = 500


class CallFailed(Exception):
    """A call that was refused or not answered; the text is one line without any secret."""


class Refusal(Struct, frozen=True, kw_only=True):
    """The body of an answer that refuses."""

    error: ErrorBody


class AdminApi:
    """The admin API at a URL, for whoever has the token.

    The token goes to that server alone: redirects are not followed, and proxies of the
    environment are not used. Every method raises :class:`CallFailed`.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"authorization": b"Bearer " + token.encode(), "user-agent": b"whatchat"}

    def ask(self, row: Endpoint, command: Command) -> Any:
        """What the row's command is answered with; ``None`` if that is nothing."""
        return self._ask(row, msgspec.to_builtins(command))

    def ask_for_all(self, row: Endpoint, command: Command) -> Iterator[Any]:
        """What a row lists, page by page to the end."""
        fields = {**msgspec.to_builtins(command), "limit": PAGE}
        while True:
            page = self._ask(row, fields)
            yield from next(items for items in page.values() if isinstance(items, list))
            if "next" not in page:
                return
            fields["after"] = page["next"]

    def _ask(self, row: Endpoint, fields: Mapping[str, Any]) -> Any:
        method, template = split_route(row)
        target, rest = _placed(template, fields)
        body, headers = None, self._headers
        if method in QUERY_METHODS:
            target += f"?{urlencode(_texts(rest))}" if rest else ""
        else:
            body = msgspec.json.encode(rest)
            headers = {**headers, "content-type": b"application/json"}
        status, content = self._exchange(method, target, body, headers)
        if status >= 300:
            raise CallFailed(self._refusal(template, status, content))
        try:
            return msgspec.json.decode(content) if content else None
        except msgspec.DecodeError:
            raise CallFailed(f"what answers at {self._url} is not Whatchat") from None

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, bytes]
    ) -> tuple[int, bytes]:
        try:
            with closing(self._connection()) as connection:
                connection.request(
                    method, urlsplit(self._url).path + target, body=body, headers=headers
                )
                answer = connection.getresponse()
                return answer.status, answer.read()
        except ValueError:  # whose text may have the token
            raise CallFailed("the URL or the token has characters that it may not have") from None
        except (OSError, HTTPException) as error:
            reason = (getattr(error, "strerror", None) or str(error)).partition("\n")[0]
            raise CallFailed(
                f"no answer from {self._url}: {reason or type(error).__name__}"
            ) from None

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self._url)
        if parts.scheme == "http":
            return HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
        tls = ssl.create_default_context()
        return HTTPSConnection(parts.hostname or "", parts.port, timeout=SECONDS, context=tls)

    def _refusal(self, template: str, status: int, content: bytes) -> str:
        if status == 404 and not path_parameters(template):
            return f"there is no admin API at {self._url}"
        try:
            error = msgspec.json.decode(content, type=Refusal).error
        except msgspec.DecodeError:
            return f"what answers at {self._url} refuses with status {status}"
        return f"{error.code}: {error.message}"


def _placed(template: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path, and the fields that are not in it."""
    path, rest = template, dict(fields)
    for name in path_parameters(template):
        path = path.replace(f"{{{name}}}", quote(str(rest.pop(name)), safe=""))
    return path, rest


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Fields as a query has them."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in fields.items()
    }
