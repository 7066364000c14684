"""A line in the log for every HTTP request, and an answer when one fails."""

from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whatchat.domain.errors import Unavailable
from whatchat.entrypoints.errors import error_response
from whatchat.entrypoints.probes import PROBE_PATHS
from whatchat.observability.tracing import OFF, Tracing, current_span, trace

MAX_LOGGED_PATH = 200
CLIENT_CLOSED_REQUEST = 499

ROUTED = ("/api/", "/admin/", "/debug/")
"""Below these, paths name people and rooms."""

log = structlog.get_logger("whatchat.request")


class RequestLog:
    """Traces each request, logs one line about it and answers for what went wrong unforeseen.

    The line has the route of an API request and not its path: whose room it was stays out.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing = OFF) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            is_routed = scope["path"].startswith(ROUTED)
            begin = self._tracing.request if is_routed else trace
            with begin(Headers(scope=scope).get("traceparent")) as trace_id:
                await self._serve(scope, receive, send, trace_id)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> None:
        start, status = perf_counter(), 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Trace-Id"] = trace_id
            await send(message)

        scope.setdefault("state", {})  # where the route is noted
        try:
            await self._app(scope, receive, send_traced)
        except ClientDisconnect:
            status = CLIENT_CLOSED_REQUEST
        except Exception:
            log.exception("request failed")
            if status == 0:
                await error_response(Unavailable())(scope, receive, send_traced)
        finally:
            _record(scope, status, perf_counter() - start)


def _record(scope: Scope, status: int, seconds: float) -> None:
    path = scope["path"]
    if path.startswith(ROUTED):
        route = scope["state"].get("route")
        if span := current_span():
            span.of_request(scope["method"], route, status)
        path = route or f"/{path.split('/')[1]}/*"
    if path in PROBE_PATHS and status < 400:
        return
    log.info(
        "request",
        method=scope["method"],
        path=path[:MAX_LOGGED_PATH],
        status=status,
        duration_ms=round(seconds * 1000, 2),
    )
