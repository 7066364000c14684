"""The writing half of a connection: what one turn of the loop brings leaves in one write."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import structlog

from whatchat.realtime.frame import Frame

log = structlog.get_logger()

AT_ONCE_BYTES: Final = 64 * 1024
"""Frames are gathered, and joined to one piece, up to this."""


class Flusher:
    """Has connections flush once this turn of the loop is over: one callback for all of them.

    A turn often has several frames for one client (an event and the answer to what caused it,
    the replay of what was missed), and a write to the network costs more than all else that
    is done for a delivery. ``outbox_bytes`` is how much a connection may leave unread.
    """

    __slots__ = ("_is_due", "_loop", "_told", "_waiting", "outbox_bytes")

    def __init__(self, outbox_bytes: int) -> None:
        self.outbox_bytes = outbox_bytes
        self._waiting: list[Outflow] = []
        self._told: list[Callable[[], None]] = []
        self._is_due = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def put(self, connection: "Outflow") -> None:
        """Flush it soon."""
        if not self._waiting:
            self._soon()
        self._waiting.append(connection)

    def then(self, told: Callable[[], None]) -> None:
        """Call ``told`` once the network was given all that this turn of the loop writes."""
        self._soon()
        self._told.append(told)

    def _soon(self) -> None:
        if self._is_due:
            return
        self._is_due = True
        if self._loop is None:  # asking for it costs a system call each time
            self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_due = False
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            try:
                connection.flush()
            except Exception:
                # One that raises holds up none of the others.
                log.exception("a connection could not be written to")
        if self._told:
            told, self._told = self._told, []
            for tell in told:
                tell()


class Outflow(asyncio.Protocol):
    """Gathers what is written in a turn of the loop, and keeps what the network does not take.

    ``congested``: what is written has to wait for the network.
    """

    __slots__ = ("_flusher", "_socket", "_waiting", "_waiting_size", "congested")

    def __init__(self, flusher: Flusher) -> None:
        self._flusher = flusher
        self._socket: asyncio.Transport
        self._waiting: bytes | deque[bytes] | None = None
        self._waiting_size = 0
        self.congested = False

    # What the loop calls.

    def connection_made(self, transport: Any) -> None:  # uvloop's is no asyncio.Transport
        self._socket = transport

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        self.flush()

    # What is sent.

    @property
    def buffered(self) -> int:
        """Bytes written and not yet taken by the network."""
        return self._waiting_size + self._socket.get_write_buffer_size()

    def write(self, frame: Frame) -> None:
        """Send behind everything before it."""
        wire = frame.wire
        if self._waiting is None and not self.congested:
            self._waiting = wire
            self._waiting_size = len(wire)
            self._flusher.put(self)
        elif self.congested and self.buffered + len(wire) > self._flusher.outbox_bytes:
            self.overflow()
        else:
            self.append(wire)

    def append(self, wire: bytes) -> None:
        """Send, however much waits."""
        self._waiting_size += len(wire)
        if isinstance(self._waiting, deque):
            self._waiting.append(wire)
        elif self._waiting is not None:
            self._waiting = deque((self._waiting, wire))
        else:
            self._waiting = wire
            if not self.congested:
                self._flusher.put(self)
        if self._waiting_size > AT_ONCE_BYTES:
            self.flush()

    def overflow(self) -> None:
        """The peer leaves too much unread."""
        raise NotImplementedError

    def flush(self) -> None:
        """Give the network what waits, as far as it takes it."""
        while (waiting := self._waiting) is not None and not self.congested:
            if isinstance(waiting, deque):
                self._socket.write(self._next_piece(waiting))
            else:
                self._waiting = None
                self._waiting_size = 0
                self._socket.write(waiting)

    def discard(self) -> None:
        """Forget what waits and can still be forgotten."""
        self._waiting = None
        self._waiting_size = 0

    def _next_piece(self, waiting: deque[bytes]) -> bytes:
        pieces = [waiting.popleft()]
        size = len(pieces[0])
        while waiting and size + len(waiting[0]) <= AT_ONCE_BYTES:
            pieces.append(waiting.popleft())
            size += len(pieces[-1])
        self._waiting_size -= size
        if not waiting:
            self._waiting = None
        return b"".join(pieces)
