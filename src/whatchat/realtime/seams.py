"""The only place that touches private names of python-engineio and python-socketio.

Their servers keep the handshakes, the namespaces and the routes of polling; the reader, the
writer, the heartbeat and the order of commands are ours. All of it leans on the versions
that :mod:`whatchat.realtime.versions` names.
"""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any, Final

import socketio
import structlog
from engineio import AsyncServer as EngineServer
from engineio.async_drivers.asgi import WebSocket, translate_request
from engineio.exceptions import ContentTooLongError, EngineIOError
from engineio.packet import OPEN
from engineio.packet import Packet as EnginePacket
from socketio.exceptions import ConnectionRefusedError as Refused
from socketio.packet import CONNECT_ERROR

from whatchat.domain.errors import ChatError, NotFound, Unavailable
from whatchat.domain.ids import SessionId, random_id
from whatchat.realtime.codec import Frame, Kind, MalformedPacket, Packet, plain_frame
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.gateway import Gateway
from whatchat.realtime.link import MALFORMED, UNAUTHENTICATED, Closing, Scope, Transport
from whatchat.realtime.tasks import Tasks
from whatchat.realtime.transport import ClientTransport
from whatchat.realtime.versions import require_versions

log = structlog.get_logger()

Environ = dict[str, Any]

# These libraries quote session ids and packets; what matters of that is logged here.
_SILENT: Final = logging.getLogger("whatchat.silent")
_SILENT.disabled = True


class _Vanished(Exception):
    """The client went away before its request was read."""


class _Text:
    """What python-engineio takes for a packet where it writes the body of a poll."""

    def __init__(self, frame: Frame) -> None:
        self._text = frame.text

    def encode(self, **_options: object) -> str:
        return self._text


class _CodedWebSocket(WebSocket):  # type: ignore[misc] # the library ships no types
    """An ASGI WebSocket that closes with a code."""

    async def close(self, code: int = 1000) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # it may be closed already
            await self.asgi_send({"type": "websocket.close", "code": code})


class _Socket(ClientTransport):
    """A client's transport as python-engineio's server wants it."""

    async def send(self, pkt: EnginePacket) -> None:
        self.write(plain_frame(pkt.encode()))

    async def handle_get_request(self, environ: Environ) -> Any:
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            return await _CodedWebSocket(self.serve, None)(environ)
        frames = await self.poll()
        if frames is None:
            raise EngineIOError
        return list(map(_Text, frames))

    async def handle_post_request(self, environ: Environ) -> None:
        length = environ.get("CONTENT_LENGTH", "")
        if not length.isdecimal() or int(length) > self._max_payload:
            raise ContentTooLongError
        await self.take_payload(await environ["wsgi.input"].read(int(length)))
        # The caller trips over an error of a socket that has left its table.
        if self.closing and not self.closed:
            raise EngineIOError


class _Engine(EngineServer):  # type: ignore[misc] # the library ships no types
    """The Engine.IO server, with our sockets, our ids and our answers."""

    sockets: dict[str, _Socket]
    _async: dict[str, Any]

    def __init__(
        self,
        *,
        owner: "SocketServer",
        transport: Transport,
        deadlines: Deadlines,
        tasks: Tasks,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._owner = owner
        self._transport = transport
        self._deadlines = deadlines
        self._tasks = tasks
        self._async = {
            **self._async,
            "websocket": _CodedWebSocket,
            "translate_request": _translate,
            "make_response": _respond,
        }

    def generate_id(self) -> str:
        return random_id()

    async def disconnect(self, sid: str | None = None) -> None:
        if sid and (socket := self.sockets.get(sid)):
            socket.dismiss(MALFORMED)

    async def _handle_connect(
        self, environ: Environ, transport: str, jsonp_index: int | None = None
    ) -> Any:
        if not self._owner.is_open():
            return {"status": "503 Service Unavailable", "headers": [], "response": b""}
        socket = self._new_socket()
        environ["whatchat.socket"] = socket
        self.sockets[socket.sid] = socket
        await socket.send(EnginePacket(OPEN, self._handshake(socket, transport)))
        await self._trigger_event("connect", socket.sid, environ)
        if transport == "websocket":
            return await socket.handle_get_request(environ)
        socket.connected = True
        return self._ok(await socket.handle_get_request(environ), jsonp_index=jsonp_index)

    def _new_socket(self) -> _Socket:
        return _Socket(
            self.generate_id(),
            self._transport,
            self._deadlines,
            self._tasks,
            self._owner.received,
            self._owner.ended,
        )

    def _handshake(self, socket: _Socket, transport: str) -> dict[str, Any]:
        return {
            "sid": socket.sid,
            "upgrades": self._upgrades(socket.sid, transport),
            "pingInterval": self._transport.ping_interval_ms,
            "pingTimeout": self._transport.ping_timeout_ms,
            "maxPayload": self._transport.max_payload_bytes,
        }


class SocketServer(socketio.AsyncServer):  # type: ignore[misc] # the library ships no types
    """One namespace; what a client sends is handled one packet after the other."""

    eio: _Engine

    def __init__(
        self, gateway: Gateway, transport: Transport, deadlines: Deadlines, tasks: Tasks
    ) -> None:
        require_versions()
        self._gateway = gateway
        super().__init__(
            async_mode="asgi",
            logger=_SILENT,
            engineio_logger=_SILENT,
            http_compression=False,
            cors_allowed_origins=[],
            monitor_clients=False,
            owner=self,
            transport=transport,
            deadlines=deadlines,
            tasks=tasks,
        )
        self.on("connect", self._admit)

    async def app(self, scope: Scope, receive: Any, send: Any) -> None:
        """The ASGI application."""
        with contextlib.suppress(_Vanished):
            await self.eio.handle_request(scope, receive, send)

    def is_open(self) -> bool:
        """Whether newcomers are taken."""
        return self._gateway.is_open()

    async def idle(self) -> None:
        """Return once no client waits for anything."""
        await asyncio.gather(*(socket.inbox.idle() for socket in self._sockets()))

    async def close(self, closing: Closing) -> None:
        """Close every socket; return once all are gone."""
        sockets = self._sockets()
        for socket in sockets:
            socket.dismiss(closing)
        await asyncio.gather(*(socket.gone() for socket in sockets))

    def received(self, socket: ClientTransport, text: str | None) -> None:
        """Take a Socket.IO packet; ``None`` is a binary attachment, which is not looked at."""
        try:
            packet = socket.assembler.take(text)
        except MalformedPacket:
            socket.dismiss(MALFORMED)
            return
        if packet is not None:
            socket.inbox.put(partial(self._handle, socket, packet))

    async def ended(self, socket: ClientTransport, reason: str) -> None:
        """Forget a socket that is gone."""
        self.eio.sockets.pop(socket.sid, None)
        await self._handle_eio_disconnect(socket.sid, reason)
        self._leave(socket, reason)

    async def _handle(self, socket: ClientTransport, packet: Packet) -> None:
        if packet.kind is Kind.CONNECT:
            await self._connect(socket, packet)
        elif packet.kind in (Kind.EVENT, Kind.BINARY_EVENT):
            await self._event(socket, packet)
        elif packet.kind is Kind.DISCONNECT and packet.namespace == "/":
            await self._handle_disconnect(socket.sid, "/", "client disconnect")
            self._leave(socket, "client disconnect")
            socket.await_connect()

    async def _connect(self, socket: ClientTransport, packet: Packet) -> None:
        if packet.namespace != "/":
            data = _refusal(NotFound("Invalid namespace"))
            refusal = self.packet_class(CONNECT_ERROR, data=data, namespace=packet.namespace)
            await self._send_packet(socket.sid, refusal)
        elif socket.connection is not None:
            socket.dismiss(MALFORMED)
        elif not socket.closing:
            socket.connect_came()
            await self._handle_connect(socket.sid, "/", packet.data)
            if socket.connection is not None:
                self._gateway.opened(socket.connection)
            else:
                socket.await_connect()

    async def _admit(self, sid: str, environ: Environ, auth: object) -> None:
        socket: ClientTransport = environ["whatchat.socket"]
        try:
            socket.connection = await self._gateway.admit(
                socket, SessionId(sid), auth, environ["asgi.scope"]
            )
        except ChatError as error:
            self._gateway.refused(error)
            raise _refused(error) from None
        except Exception:
            log.exception("a client could not be let in")
            raise _refused(Unavailable()) from None

    async def _event(self, socket: ClientTransport, packet: Packet) -> None:
        if socket.connection is None or packet.namespace != "/":
            socket.dismiss(UNAUTHENTICATED)
            return
        name, *arguments = packet.items
        await self._gateway.command(socket.connection, str(name), arguments, packet.ack_id)

    def _leave(self, socket: ClientTransport, reason: str) -> None:
        connection, socket.connection = socket.connection, None
        if connection is not None:
            self._gateway.gone(connection, reason)

    def _sockets(self) -> list[_Socket]:
        return list(self.eio.sockets.values())

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine


def _refusal(error: ChatError) -> dict[str, Any]:
    return {"message": error.text, "data": {"code": error.code, "message": error.text}}


def _refused(error: ChatError) -> Refused:
    return Refused(error.text, {"code": error.code, "message": error.text})


async def _translate(scope: Scope, receive: Any, send: Any) -> Environ:
    environ: Environ = await translate_request(scope, receive, send)
    if not environ:
        raise _Vanished
    return environ


async def _respond(
    status: str, headers: list[tuple[str, str]], payload: bytes, environ: Environ
) -> None:
    """Answer as HTTP, a WebSocket handshake that is refused included."""
    is_http = environ["asgi.scope"]["type"] == "http"
    kind = "http.response" if is_http else "websocket.http.response"
    own_headers = [("Cache-Control", "no-store"), ("Content-Length", str(len(payload)))]
    raw_headers = [(name.lower().encode(), value.encode()) for name, value in headers + own_headers]
    send = environ["asgi.send"]
    await send({"type": f"{kind}.start", "status": int(status[:3]), "headers": raw_headers})
    await send({"type": f"{kind}.body", "body": payload})
