"""The product's Socket.IO server: one namespace, whose commands go to the gateway."""

from collections.abc import Callable
from typing import Any

import socketio
import structlog
from socketio.exceptions import ConnectionRefusedError as Refused

from whatchat.domain.errors import ChatError, NotFound, Unavailable
from whatchat.domain.ids import SessionId
from whatchat.realtime.codec import Packet
from whatchat.realtime.connection import Connection
from whatchat.realtime.engine import Engine
from whatchat.realtime.gateway import Gateway
from whatchat.realtime.link import Closing, Scope
from whatchat.realtime.session import Session
from whatchat.realtime.socket_client import SocketClient
from whatchat.realtime.socket_server import SocketServer
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

NAMESPACE = "/"


class _Chat(socketio.AsyncNamespace):  # type: ignore[misc] # the library ships no types
    """Lets clients in and hears of their leaving."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(NAMESPACE)
        self._gateway = gateway

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        session: Session = environ["session"]
        try:
            session.connection = await self._gateway.admit(
                session, SessionId(sid), auth, session.address
            )
        except ChatError as error:
            self._gateway.refused(error)
            raise Refused(error.text, _data(error)) from None
        except Exception:
            log.exception("a client could not be let in")
            unavailable = Unavailable()
            raise Refused(unavailable.text, _data(unavailable)) from None

    async def on_disconnect(self, sid: str, reason: str) -> None:
        """What has to be done is done by the server, for clients never let in as well."""


class ChatSockets(SocketServer):
    """Speaks to the gateway of one client at a time, in order."""

    def __init__(
        self, gateway: Gateway, engine_for: Callable[[SocketServer], Engine], tasks: Tasks
    ) -> None:
        super().__init__(engine_for, tasks)
        self._gateway = gateway
        self.register_namespace(_Chat(gateway))

    async def finish(self, connection: Connection) -> None:
        """Take nothing more from a client; return once all that it asked for is answered."""
        eio_sid = self.manager.eio_sid_from_sid(connection.session_id, NAMESPACE)
        if session := self.engine.sessions.get(eio_sid):
            session.pause()
            await session.layer.inbox.idle()

    async def close(self, closing: Closing) -> None:
        """Close every socket; return once all are gone and nothing is left to do for them."""
        clients = [session.layer for session in self.engine.sessions.values()]
        await self.engine.close(closing)
        for client in clients:
            await client.inbox.idle()

    def is_open(self) -> bool:
        return self._gateway.is_open()

    def environ_of(self, session: Session, scope: Scope) -> dict[str, Any]:  # noqa: ARG002
        return {"session": session}

    def invalid_namespace(self) -> dict[str, Any]:
        error = NotFound("Invalid namespace")
        return {"message": error.text, "data": _data(error)}

    def connected(self, client: SocketClient, namespace: str) -> None:
        connection = client.session.connection
        if namespace in client.sids and connection is not None:
            self._gateway.opened(connection)

    async def dispatch(self, client: SocketClient, packet: Packet) -> None:
        connection = client.session.connection
        if connection is not None:
            name, *arguments = packet.items
            await self._gateway.command(connection, str(name), arguments, packet.ack_id)

    def left(self, client: SocketClient, _namespace: str, reason: str) -> None:
        connection, client.session.connection = client.session.connection, None
        if connection is not None:
            self._gateway.gone(connection, reason)


def _data(error: ChatError) -> dict[str, str]:
    return {"code": error.code, "message": error.text}
