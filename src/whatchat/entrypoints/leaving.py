"""How HTTP clients are moved away from a pod that drains."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whatchat.entrypoints.probes import Readiness


class Leaving:
    """While the pod takes no more traffic, lets each answer be the last of its connection.

    Otherwise a proxy could still send a request over a connection at the moment at which
    the pod closes it, and would have to take it for lost.
    """

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and not self._readiness.accepting:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_last)
