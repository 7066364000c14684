"""What is checked before a client reaches the sockets."""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

SECRETS: Final = frozenset({"token", "access_token", "accesstoken", "authorization", "auth"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Refusal(msgspec.Struct, frozen=True):
    """Why a handshake is refused, with Engine.IO's own number for it."""

    code: int
    message: str


TRANSPORT_UNKNOWN: Final = Refusal(0, "Transport unknown")
BAD_REQUEST: Final = Refusal(3, "Bad request")
FORBIDDEN: Final = Refusal(4, "Forbidden")
UNSUPPORTED_VERSION: Final = Refusal(5, "Unsupported protocol version")


class Handshake:
    """Refuses, before any upgrade, what no client of ours sends.

    A secret in the query (it would end up in logs), another protocol version or a wrong
    transport get 400, a page of a foreign origin 403. Pages of the allowed origins may
    read the answers.
    """

    def __init__(self, app: ASGIApp, *, cors_origins: Collection[str] = ()) -> None:
        self._origins = frozenset(cors_origins)
        self._app = CORSMiddleware(
            app, allow_origins=tuple(cors_origins), allow_methods=("GET", "POST")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not self._is_allowed(headers):
            await _refuse(scope, receive, send, 403, FORBIDDEN)
        elif scope.get("method") == "OPTIONS":
            await self._app(scope, receive, send)
        elif refusal := _flaw(scope["type"], _query(scope)):
            await _refuse(scope, receive, send, 400, refusal)
        else:
            await self._app(scope, receive, send)

    def _is_allowed(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or not self._origins.isdisjoint((origin, "*")):
            return True
        place = _place(origin)
        return place is not None and place == _place(
            f"{urlsplit(origin).scheme}://{headers.get('host', '')}"
        )


def _flaw(scope_type: str, query: Mapping[str, list[str]]) -> Refusal | None:
    if any(name.lower() in SECRETS for name in query) or "j" in query:
        return BAD_REQUEST
    if query.get("EIO") != ["4"]:
        return UNSUPPORTED_VERSION
    transport = "websocket" if scope_type == "websocket" else "polling"
    if query.get("transport") != [transport]:
        return TRANSPORT_UNKNOWN
    return None


def _query(scope: Scope) -> Mapping[str, list[str]]:
    query: dict[str, list[str]] = {}
    text = scope["query_string"].decode("latin-1")
    for name, value in parse_qsl(text, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return query


def _place(url: str) -> tuple[str, int] | None:
    """Host and port, the scheme's own port filled in; ``None`` where there is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, refusal: Refusal
) -> None:
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        await receive()
    body = msgspec.json.encode(refusal)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
