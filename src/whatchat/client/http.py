"""REST, below its routes."""

from collections.abc import Mapping
from typing import Any, Final, Self, TypeVar

import aiohttp
import msgspec

from whatchat.client.errors import ConnectionLost, NoAnswer, error_from, error_of_status
from whatchat.domain.errors import ChatError, Unavailable

T = TypeVar("T")

REQUEST_SECONDS: Final = 10


def fields(**given: object) -> dict[str, object]:
    """A command's fields, those left out that are ``None``."""
    return {key: value for key, value in given.items() if value is not None}


class Http:
    """Sends JSON and reads JSON. Every request ends within ``REQUEST_SECONDS``.

    Raises the ``ChatError`` that the server told, ``ConnectionLost`` or ``NoAnswer``.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + "/api"
        self._timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        # Unquoted, as it came: to a proxy a quoted cookie is another, and leads to another pod.
        jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False)
        self.session = aiohttp.ClientSession(cookie_jar=jar)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def exchange(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        token: str | None = None,
        query: Mapping[str, object] | None = None,
        body: object = None,
    ) -> T:
        """Make a request; what is ``None`` in query and body is left out."""
        status, content = await self._send(
            method,
            path,
            headers=_headers(token, has_body=body is not None),
            params={key: str(value) for key, value in (query or {}).items() if value is not None},
            data=None if body is None else msgspec.json.encode(body),
        )
        if status >= 400:
            raise _error(status, content)
        try:
            return msgspec.json.decode(content or b"null", type=answer)
        except msgspec.DecodeError as error:
            raise Unavailable("the server's answer was not understood") from error

    async def close(self) -> None:
        """Close all connections."""
        await self.session.close()

    async def _send(self, method: str, path: str, **request: Any) -> tuple[int, bytes]:
        try:
            async with self.session.request(
                method, self._url + path, timeout=self._timeout, **request
            ) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise NoAnswer from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost(f"no connection to the server: {error}") from error


def _headers(token: str | None, *, has_body: bool) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return headers | ({"Content-Type": "application/json"} if has_body else {})


def _error(status: int, content: bytes) -> ChatError:
    try:
        told = msgspec.json.decode(content, type=dict[str, object])
    except msgspec.DecodeError:
        return error_of_status(status)
    return error_from(told["error"]) if "error" in told else error_of_status(status)
