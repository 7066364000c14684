"""What is checked before a client reaches the sockets."""

from collections.abc import Collection
from typing import Final
from urllib.parse import unquote_plus, urlsplit

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from whatchat.entrypoints.compression import Compression
from whatchat.entrypoints.security_headers import SecurityHeaders
from whatchat.realtime.polling_app import refuse
from whatchat.realtime.refusals import BAD_REQUEST, FORBIDDEN, Refusal

SECRETS: Final = frozenset({"token", "access_token", "accesstoken", "authorization", "auth"})
MAX_PARAMETERS: Final = 32

log = structlog.get_logger("whatchat.handshake")

_JSONP: Final = "j"
_REFUSED_NAMES: Final = SECRETS | {_JSONP}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class HandshakePolicy:
    """Refuses, before any work, what no client of ours sends.

    The page of a foreign origin gets 403; a secret in the query (it would end up in logs),
    JSONP (any page could read it) and a parameter given twice get 400.
    """

    def __init__(self, *, cors_origins: Collection[str] = ()) -> None:
        self._origins = frozenset(cors_origins)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request for the sockets is refused, by polling or by WebSocket."""
        headers = scope["headers"]
        for name, value in headers:
            if name == b"origin" and not self._is_allowed(value.decode("latin-1"), headers):
                return FORBIDDEN
        return _flaw_of_query(scope["query_string"])

    def _is_allowed(self, origin: str, headers: list[tuple[bytes, bytes]]) -> bool:
        if origin in self._origins or "*" in self._origins:
            return True
        host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
        place = _place(origin)
        return place is not None and place == _place(f"{origin.partition(':')[0]}://{host}")


class Handshake:
    """The way to the sockets by polling.

    Pages of the allowed origins may read the answers, and answers are compressed for those
    who accept it.
    """

    def __init__(
        self, app: ASGIApp, policy: HandshakePolicy, *, cors_origins: Collection[str] = ()
    ) -> None:
        self._policy = policy
        self._polling = CORSMiddleware(
            Compression(app), allow_origins=tuple(cors_origins), allow_methods=("GET", "POST")
        )
        self._app = SecurityHeaders(self._checked)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        # All but preflights reaches the engine, which asks the policy itself.
        refusal = self._policy.refusal(scope) if scope["method"] == "OPTIONS" else None
        if refusal is None:
            await self._polling(scope, receive, send)
        else:
            log.info("handshake refused", status=refusal.status)
            await refuse(send, refusal)


def _flaw_of_query(query: bytes) -> Refusal | None:
    if query.count(b"&") >= MAX_PARAMETERS:
        return BAD_REQUEST
    pairs = query.decode("latin-1").split("&")
    names = [unquote_plus(pair.partition("=")[0]).lower() for pair in pairs if pair]
    distinct = frozenset(names)
    if len(distinct) < len(names) or not distinct.isdisjoint(_REFUSED_NAMES):
        return BAD_REQUEST
    return None


def _place(url: str) -> tuple[str, int] | None:
    """Host and port, the scheme's own port filled in; ``None`` where there is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None
