"""The only place that touches private names of other libraries.

Frames are parsed by picows, which is given a network that goes nowhere; python-socketio's
server keeps its API for handlers, namespaces and acks over our engine; uvicorn's HTTP keeps
within bounds. All of it leans on the versions that :mod:`whatchat.realtime.versions` names.
"""

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import picows
import socketio
import structlog
from picows.picows import WSProtocol  # type: ignore[attr-defined] # its stub leaves it out
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from whatchat.realtime.codec import Packet
from whatchat.realtime.engine_face import EngineFace
from whatchat.realtime.nowhere import Mute, NoSocket
from whatchat.realtime.parsed_frame import FrameSink
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

# These libraries quote session ids and packets; what matters of that is logged by us.
_SILENT: Final = logging.getLogger("whatchat.silent")
_SILENT.disabled = True

# Frames, by picows.

_UPGRADE: Final = (
    b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_BUFFER_BYTES: Final = 4096
_CLOSE_FRAME: Final = 0x88


class _Outlet(picows.WSListener):
    """What picows calls: the listener to its frames, and the network, where nothing leaves."""

    def __init__(self) -> None:
        self.sink: FrameSink | None = None
        self.failure = 0
        self.is_between_frames = True
        self.is_open = False

    def on_ws_frame(self, _transport: object, frame: Any) -> None:
        self.is_between_frames = not frame.tail_size
        if self.sink is not None:
            try:
                self.sink.frame_came(frame)
            except Exception:
                log.exception("a frame could not be handled")
                self.sink = None
                self.failure = picows.WSCloseCode.INTERNAL_ERROR.value

    def get_extra_info(self, name: str) -> object:
        return NoSocket() if name == "socket" else None

    def get_write_buffer_size(self) -> int:
        return 1  # so that it does not write past us

    def write(self, data: bytes) -> None:
        """All that it writes once it is open is a close frame, when it gives up."""
        if self.is_open and data[0] == _CLOSE_FRAME:
            self.failure = int.from_bytes(data[2:4], "big")

    def close(self) -> None: ...

    abort = close


class FrameParser:
    """Parses clients' frames in C, for one connection at a time.

    Checked are masks, opcodes, lengths and ``max_frame_bytes``, the latter before the
    payload is gathered. ``failure`` is then the close code; the parser is of no more use.
    """

    __slots__ = ("_outlet", "_protocol")

    def __init__(self, max_frame_bytes: int) -> None:
        outlet = self._outlet = _Outlet()  # knows nothing of us: buffers go without the collector
        self._protocol = WSProtocol(
            None,  # host and port
            None,  # path
            False,  # noqa: FBT003 - is_client_side
            lambda _request: outlet,
            Mute(),
            False,  # noqa: FBT003 - disconnect_on_exception
            None,  # handshake timeout
            False,  # noqa: FBT003 - automatic pings, and their three settings
            20,
            20,
            picows.WSAutoPingStrategy.PING_WHEN_IDLE,
            False,  # noqa: FBT003 - automatic pongs
            max_frame_bytes,
            None,  # headers
            _BUFFER_BYTES,
        )
        self._protocol.connection_made(outlet)
        self._feed(memoryview(_UPGRADE))
        outlet.is_open = True

    @property
    def failure(self) -> int:
        """The code to close with, 0 while all is well."""
        return self._outlet.failure

    @property
    def is_between_frames(self) -> bool:
        """Whether what comes next may be another connection's."""
        return self._outlet.is_between_frames

    def feed(self, sink: FrameSink, data: memoryview) -> int:
        """Give what arrived; returns how many bytes of it were taken, a few KiB at most."""
        outlet = self._outlet
        outlet.sink = sink
        outlet.is_between_frames = False
        taken = self._feed(data)
        outlet.sink = None
        return taken

    def _feed(self, data: memoryview) -> int:
        buffer = self._protocol.get_buffer(len(data))  # it may be smaller than was asked for
        # Its buffer grows with what it takes, and whoever pauses hears all that it has taken.
        taken = min(len(buffer), len(data), _BUFFER_BYTES)
        buffer[:taken] = data[:taken]
        self._protocol.buffer_updated(taken)
        return taken


class FrameParsers:
    """Lends a parser to whoever has bytes to parse, and keeps one for the next."""

    def __init__(self, max_frame_bytes: int) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._idle: FrameParser | None = None

    def borrow(self) -> FrameParser:
        """A parser between two frames; the borrower's until it is again."""
        parser, self._idle = self._idle, None
        return parser or FrameParser(self._max_frame_bytes)

    def give_back(self, parser: FrameParser) -> None:
        """End a loan."""
        self._idle = parser


# Handlers, namespaces and acks, by python-socketio.


class _Json:
    """JSON as JavaScript writes it: text in UTF-8, not escaped."""

    dumps = staticmethod(partial(json.dumps, ensure_ascii=False))
    loads = staticmethod(json.loads)


class _Packet(socketio.packet.Packet):  # type: ignore[misc] # the library ships no types
    json = _Json


class LibraryServer(socketio.AsyncServer):  # type: ignore[misc] # the library ships no types
    """python-socketio's server, without its engine and its reading of packets.

    ``send_packet`` is for whoever knows the sessions.
    """

    def __init__(
        self, manager: socketio.AsyncManager, tasks: Tasks, *, always_connect: bool
    ) -> None:
        self.tasks = tasks
        super().__init__(
            client_manager=manager,
            serializer=_Packet,
            logger=_SILENT,
            always_connect=always_connect,
        )

    def send_packet(self, eio_sid: str, packet: Any) -> None:
        """Send one of the library's packets to a session."""
        raise NotImplementedError

    async def ask_to_connect(self, eio_sid: str, namespace: str, auth: object) -> None:
        """Ask the handler of ``connect``, and answer."""
        await self._handle_connect(eio_sid, namespace, auth)

    async def let_go(self, sid: str, namespace: str, reason: str) -> None:
        """Tell the handler of ``disconnect``, unless it is being told."""
        if self.manager.is_connected(sid, namespace):
            self.manager.pre_disconnect(sid, namespace)
            await self._trigger_event("disconnect", namespace, sid, reason)

    async def run_handler(self, eio_sid: str, sid: str, packet: Packet) -> None:
        """Run an event's handler, and answer with what it returns if that is wanted."""
        await self._handle_event_internal(
            self, sid, eio_sid, packet.items, packet.namespace, packet.ack_id
        )

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        self.send_packet(eio_sid, pkt)

    def _engineio_server_class(self) -> Callable[..., EngineFace]:
        return lambda **_options: EngineFace(self.tasks)


# HTTP, by uvicorn.


class LibraryHttp(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, whose own ways have names here."""

    def end_idle_time(self) -> None:
        """The next request begins."""
        self._unset_keepalive_if_required()

    def is_idle(self) -> bool:
        """Whether everything is answered, and the next request is waited for."""
        return self.timeout_keep_alive_task is not None

    def wants_websocket(self) -> bool:
        """Whether the request asks for a WebSocket."""
        return self._should_upgrade()

    def drop_parser(self) -> None:
        """Break the cycle of parser and protocol, which nobody needs any more."""
        self.parser = cast("Any", None)
