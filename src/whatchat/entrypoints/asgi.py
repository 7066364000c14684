"""The pod's ASGI application: REST, sockets, probes and pages on one port."""

from collections.abc import Mapping, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from whatchat.domain.errors import ErrorBody, ErrorCode
from whatchat.entrypoints.compression import Compression
from whatchat.entrypoints.errors import json_error
from whatchat.entrypoints.http import ADMIN, API, DEBUG
from whatchat.entrypoints.middleware import RequestLog
from whatchat.entrypoints.security_headers import SecurityHeaders
from whatchat.observability.tracing import OFF, Tracing

SOCKETS = "/socket.io"


class PodApplication:
    """Sends Socket.IO's own path to the sockets, without any middleware, the rest to HTTP.

    What is for operators, where it is here, has an application of its own.
    """

    def __init__(self, http: ASGIApp, sockets: ASGIApp, admin: ASGIApp | None = None) -> None:
        self._http = http
        self._sockets = sockets
        self._admin = admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if _is_below(SOCKETS, path):
            await self._sockets(scope, receive, send)
        elif self._admin is not None and (_is_below(ADMIN, path) or _is_below(DEBUG, path)):
            await self._admin(scope, receive, send)
        else:
            await self._http(scope, receive, send)


def http_application(
    api: Sequence[Route],
    others: Sequence[BaseRoute],
    *,
    prefix: str = API,
    cors_origins: Sequence[str] = (),
    tracing: Tracing = OFF,
) -> Starlette:
    """REST routes below ``prefix``, other routes as they are; every failure is a JSON error."""
    app = Starlette(
        routes=[below(prefix, api), *others],
        middleware=_middleware(cors_origins, tracing),
        exception_handlers={HTTPException: partial(_http_error, api, prefix)},
    )
    app.router.redirect_slashes = False
    return app


def below(prefix: str, api: Sequence[Route]) -> Mount:
    """Routes below a prefix of their own."""
    return Mount(prefix, Router(list(api), redirect_slashes=False))


def _middleware(cors_origins: Sequence[str], tracing: Tracing) -> list[Middleware]:
    cors = Middleware(
        CORSMiddleware,
        allow_origins=cors_origins,
        allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=("Authorization", "Content-Type", "Traceparent"),
        expose_headers=("Retry-After", "X-Trace-Id"),
    )
    return [
        Middleware(SecurityHeaders),
        Middleware(RequestLog, tracing),
        *([cors] if cors_origins else []),
        Middleware(Compression),
    ]


def _is_below(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


async def _http_error(
    api: Sequence[Route], prefix: str, request: Request, error: Exception
) -> Response:
    """What routing refuses, in the contract's shape."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the only kind registered
    if error.status_code == 405:
        allow = _allowed(api, request.url.path.removeprefix(prefix)) or (error.headers or {}).get(
            "Allow", ""
        )
        return _failure("invalid", "method not allowed", 405, {"Allow": allow})
    if error.status_code == 404:
        return _failure("not_found", "no such path", 404)
    return _failure("invalid", str(error.detail), error.status_code, error.headers)


def _allowed(api: Sequence[Route], path: str) -> str:
    matching = (route for route in api if route.path_regex.match(path))
    return ", ".join(sorted({method for route in matching for method in route.methods or ()}))


def _failure(
    code: ErrorCode, message: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    return json_error(ErrorBody(code=code, message=message, retryable=False), status, headers)
