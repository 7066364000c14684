"""The product's Socket.IO server: one namespace, whose commands go to the gateway."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog

from whatchat.domain.errors import ChatError, NotFound, Unavailable
from whatchat.domain.ids import SessionId
from whatchat.realtime.codec import Packet
from whatchat.realtime.connection import Connection
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import frame, plain_frame
from whatchat.realtime.gateway import Gateway
from whatchat.realtime.link import FLOODING, UNAUTHENTICATED, Closing, Scope
from whatchat.realtime.session import Session
from whatchat.realtime.socket_client import SocketClient
from whatchat.realtime.socket_server import SocketServer
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

NAMESPACE = "/"

_NOTHING_MORE: Final = (UNAUTHENTICATED, FLOODING)
"""Who is closed for these gets nothing done of what waits."""

_NO_ENVIRON: Final[dict[str, Any]] = {}


class ChatSockets(SocketServer):
    """Speaks to the gateway of one client at a time, in order."""

    def __init__(
        self, gateway: Gateway, engine_for: Callable[[SocketServer], Engine], tasks: Tasks
    ) -> None:
        super().__init__(engine_for, tasks)
        self._gateway = gateway

    async def finish(self, connection: Connection) -> None:
        """Take nothing more from a client; return once all that it asked for is answered."""
        eio_sid = self.manager.eio_sid_from_sid(connection.session_id, NAMESPACE)
        if session := self.engine.sessions.get(eio_sid):
            session.pause()
            self.engine.patience.drop(session)  # whoever moves it has a deadline of its own
            await session.layer.inbox.finish()
            await connection.settled()

    async def close(self, closing: Closing) -> None:
        """Close every socket; return once all are gone and nothing is left to do for them."""
        clients = [session.layer for session in self.engine.sessions.values()]
        await self.engine.close(closing)
        for client in clients:
            await client.inbox.idle()

    def is_open(self) -> bool:
        return self._gateway.is_open()

    def environ_of(self, session: Session, scope: Scope) -> dict[str, Any]:  # noqa: ARG002
        return _NO_ENVIRON  # it is for handlers of ``connect``, of which there are none

    def invalid_namespace(self) -> dict[str, Any]:
        error = NotFound("Invalid namespace")
        self._gateway.refused(error)
        return {"message": error.text, "data": _data(error)}

    def serves(self, namespace: str) -> bool:
        return namespace == NAMESPACE

    async def let_in(self, client: SocketClient, namespace: str, auth: object) -> None:
        """What the library does with a handler of ``connect``, at a third of its cost."""
        session = client.session
        sid = await self.manager.pre_connect(session.sid, namespace)
        if sid is None:
            return
        try:
            session.connection = await self._gateway.admit(
                session, SessionId(sid), auth, session.address
            )
        except ChatError as error:
            await self._refuse(session, sid, error)
        except Exception:
            log.exception("a client could not be let in")
            await self._refuse(session, sid, Unavailable())
        else:
            session.write(plain_frame(f'40{{"sid":"{sid}"}}'))
            await self.manager.connect(sid, namespace)

    async def _refuse(self, session: Session, sid: str, error: ChatError) -> None:
        self._gateway.refused(error)
        refusal = {"message": error.text, "data": _data(error)}
        session.write(frame(b"44" + msgspec.json.encode(refusal)))
        await self.manager.disconnect(sid, NAMESPACE)

    def connected(self, client: SocketClient, namespace: str) -> None:
        connection = client.session.connection
        if namespace in client.sids and connection is not None:
            self._gateway.opened(connection)

    def take_at_once(self, client: SocketClient, packet: Packet) -> bool:
        connection = client.session.connection
        if connection is None or connection.closing is not None or not packet.items:
            return False
        name, *arguments = packet.items
        return self._gateway.begin(connection, name, arguments, packet.ack_id)

    def dispatch(self, client: SocketClient, packet: Packet) -> Awaitable[None]:
        connection = client.session.connection
        if connection is None or connection.closing in _NOTHING_MORE:
            return _nothing()
        name, *arguments = packet.items
        if self._gateway.begin(connection, name, arguments, packet.ack_id):
            return _nothing()
        return self._gateway.command(connection, name, arguments, packet.ack_id)

    def left(self, client: SocketClient, _namespace: str, reason: str) -> None:
        connection, client.session.connection = client.session.connection, None
        if connection is not None:
            self._gateway.gone(connection, reason)


async def _nothing() -> None:
    """For who has left, or has been signed out, nothing more is done."""


def _data(error: ChatError) -> dict[str, str | int]:
    data: dict[str, str | int] = {"code": error.code, "message": error.text}
    if error.retry_after_ms is not None:
        data["retryAfterMs"] = error.retry_after_ms
    return data
