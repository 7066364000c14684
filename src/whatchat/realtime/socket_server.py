"""python-socketio's server over our engine."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from socketio.packet import CONNECT_ERROR, DISCONNECT, EVENT

from whatchat.realtime.codec import Kind, MalformedPacket, OversizedPacket, Packet
from whatchat.realtime.environ import environ
from whatchat.realtime.frame import Frame, binary_frame, frame
from whatchat.realtime.link import MALFORMED, TOO_LARGE, UNAUTHENTICATED, Closing, Scope
from whatchat.realtime.members import Members
from whatchat.realtime.seams import LibraryServer
from whatchat.realtime.session import Session
from whatchat.realtime.socket_client import SocketClient
from whatchat.realtime.tasks import Tasks
from whatchat.realtime.wheel import Wheel
from whatchat.realtime.workers import Workers

if TYPE_CHECKING:
    from whatchat.realtime.engine import Engine

log = structlog.get_logger()

CONNECT_SECONDS: Final = 5.0

_ACKS: Final = frozenset({Kind.ACK, Kind.BINARY_ACK})

RESERVED: Final = frozenset(
    {
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    }
)
"""Names that no event may have, as the reference implementations have it."""


class SocketServer(LibraryServer):
    """A Socket.IO server (protocol version 5) for one process.

    Handlers and namespaces are registered, rooms entered and events emitted as
    python-socketio's manual says, with these differences: what a client sends is handled one
    packet after the other; a client cannot reach ``connect`` and ``disconnect`` handlers by an
    event of that name; whoever sends no CONNECT within 5 s is closed, and so is whoever sends
    what is no packet.
    """

    def __init__(
        self,
        engine_for: Callable[["SocketServer"], "Engine"],
        tasks: Tasks,
        *,
        always_connect: bool = False,
    ) -> None:
        self.engine = engine_for(self)
        self._workers = Workers(tasks)
        self._connecting: Wheel[Session] = Wheel(CONNECT_SECONDS, self._connect_is_late)
        super().__init__(Members(self), tasks, always_connect=always_connect)

    # What the engine tells.

    def is_open(self) -> bool:
        return True

    def opened(self, session: Session, scope: Scope) -> None:
        session.layer = SocketClient(session, self._workers)
        self.environ[session.sid] = self.environ_of(session, scope)
        self._connecting.put(session)

    def received(self, session: Session, message: str | bytes) -> None:
        """Have what came handled in order; acks, which commands may wait for, at once."""
        client: SocketClient = session.layer
        try:
            packet = client.packet(message)
        except OversizedPacket:
            session.dismiss(TOO_LARGE)
        except MalformedPacket:
            session.dismiss(MALFORMED)
        else:
            if packet is None:
                return
            if packet.kind in _ACKS:
                self._acknowledge(client, packet)
            elif (
                packet.kind is not Kind.EVENT
                or not client.inbox.is_idle
                or packet.namespace not in client.sids
                or not self.take_at_once(client, packet)
            ):
                client.inbox.put(partial(self._handle, client, packet))

    def ended(self, session: Session, reason: str) -> None:
        self._connecting.drop(session)
        session.layer.inbox.put(partial(self._end, session, reason))

    def expect_connect(self, session: Session) -> None:
        """Close a session that is in no namespace, unless it enters one in time."""
        if not (session.layer.sids or session.closing or session in self._connecting):
            self._connecting.put(session)

    def _connect_is_late(self, session: Session) -> None:
        if session.layer.is_entering:  # which has a deadline of its own
            self._connecting.put(session)
        else:
            session.dismiss(UNAUTHENTICATED)

    # What a server of its own kind does otherwise.

    def environ_of(self, session: Session, scope: Scope) -> dict[str, Any]:
        """What handlers of ``connect`` get as ``environ``."""
        return environ(scope) | {"REMOTE_ADDR": session.address}

    def invalid_namespace(self) -> dict[str, Any]:
        """The data of the CONNECT_ERROR for a namespace that is not there."""
        return {"message": "Invalid namespace"}

    def serves(self, namespace: str) -> bool:
        """Whether there is such a namespace."""
        return namespace in self.handlers or namespace in self.namespace_handlers

    async def let_in(self, client: SocketClient, namespace: str, auth: object) -> None:
        """Ask the handler of ``connect``, and answer."""
        try:
            await self.ask_to_connect(client.session.sid, namespace, auth)
        except Exception:
            # The library would leave it waiting for an answer, half let in.
            log.exception("a client could not be let in")
            await self.manager.disconnect(client.sids.get(namespace), namespace)
            kind = DISCONNECT if self.always_connect else CONNECT_ERROR
            data = None if self.always_connect else {"message": "Internal server error"}
            packet = self.packet_class(kind, data=data, namespace=namespace)
            self.send_packet(client.session.sid, packet)

    def connected(self, client: SocketClient, namespace: str) -> None:
        """A client's CONNECT was answered; whether it was let in, ``client.sids`` says."""

    def left(self, client: SocketClient, namespace: str, reason: str) -> None:
        """A client is no longer in a namespace."""

    def take_at_once(self, client: SocketClient, packet: Packet) -> bool:  # noqa: ARG002
        """Handle an event without a task, where that is possible: nothing comes before it."""
        return False

    def dispatch(self, client: SocketClient, packet: Packet) -> Awaitable[None]:
        """Run the handler of an event and answer with what it returns."""
        if packet.items[0] in RESERVED:
            return self._dismiss(client, MALFORMED)
        return self.run_handler(client.session.sid, client.sids[packet.namespace], packet)

    # What is sent.

    def event_frames(
        self, namespace: str, event: str, arguments: list[Any], ack_id: int | None = None
    ) -> list[Frame]:
        """The frames of an event; several if it has binary arguments."""
        data = [event, *arguments]
        return _frames(self.packet_class(EVENT, namespace=namespace, data=data, id=ack_id))

    def send_packet(self, eio_sid: str, packet: Any) -> None:
        """Send one of python-socketio's packets; nothing to whoever is gone."""
        session = self.engine.sessions.get(eio_sid)
        if session is not None:
            for frame in _frames(packet):
                session.write(frame)

    # What comes in.

    def _handle(self, client: SocketClient, packet: Packet) -> Awaitable[None]:
        if packet.kind is Kind.CONNECT:
            return self._connect(client, packet)
        if packet.kind is Kind.DISCONNECT:
            return self._leave(client, packet.namespace)
        if packet.namespace in client.sids:
            return self.dispatch(client, packet)
        return self._dismiss(client, UNAUTHENTICATED)

    async def _dismiss(self, client: SocketClient, closing: Closing) -> None:
        client.session.dismiss(closing)

    async def _connect(self, client: SocketClient, packet: Packet) -> None:
        session, namespace = client.session, packet.namespace
        if not self.serves(namespace):
            refusal = self.invalid_namespace()
            self.send_packet(
                session.sid, self.packet_class(CONNECT_ERROR, data=refusal, namespace=namespace)
            )
        elif namespace in client.sids:
            session.dismiss(MALFORMED)
        elif not session.closing:
            client.is_entering = True
            try:
                await self.let_in(client, namespace, packet.data)
            finally:
                client.is_entering = False
            if client.sids:  # a refusal gains nobody any time
                self._connecting.drop(session)
            self.connected(client, namespace)

    async def _leave(self, client: SocketClient, namespace: str) -> None:
        if namespace in client.sids:
            await self._depart(client, namespace, "client disconnect")
        elif not client.sids:
            client.session.dismiss(UNAUTHENTICATED)

    async def _depart(self, client: SocketClient, namespace: str, reason: str) -> None:
        sid = client.sids[namespace]
        try:
            await self.let_go(sid, namespace, reason)
        except Exception:
            log.exception("a client's leaving could not be handled")
        await self.manager.disconnect(sid, namespace)
        self.left(client, namespace, reason)

    def _acknowledge(self, client: SocketClient, packet: Packet) -> None:
        sid = client.sids.get(packet.namespace)
        if sid is None:
            client.session.dismiss(UNAUTHENTICATED)
        elif packet.ack_id is not None:
            self.manager.acknowledge(sid, packet.namespace, packet.ack_id, packet.items)

    async def _end(self, session: Session, reason: str) -> None:
        for namespace in tuple(session.layer.sids):
            await self._depart(session.layer, namespace, reason)
        self.environ.pop(session.sid, None)
        self.eio.forget(session.sid)
        session.layer = None


def _frames(packet: Any) -> list[Frame]:
    encoded = packet.encode()
    parts = encoded if isinstance(encoded, list) else [encoded]
    return [
        # Lone surrogates, which JSON can write and UTF-8 cannot, become question marks.
        frame(f"4{part}".encode(errors="replace")) if isinstance(part, str) else binary_frame(part)
        for part in parts
    ]
