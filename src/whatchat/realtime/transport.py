"""One client's Engine.IO connection, polling or WebSocket."""

import asyncio
import contextlib
from base64 import b64decode
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Protocol

from whatchat.realtime.codec import Assembler, Frame, plain_frame
from whatchat.realtime.connection import Connection
from whatchat.realtime.deadlines import Deadline, Deadlines
from whatchat.realtime.heartbeat import Heartbeat
from whatchat.realtime.inbox import Inbox
from whatchat.realtime.link import (
    MALFORMED,
    SLOW_CONSUMER,
    TOO_LARGE,
    UNAUTHENTICATED,
    Closing,
    Transport,
)
from whatchat.realtime.outbox import Outbox
from whatchat.realtime.tasks import Tasks

CONNECT_SECONDS: Final = 5.0
PROBE_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 10.0
POLL_PACKETS: Final = 15  # python-engineio's client takes 16 at once, the last may be a CLOSE

_PING: Final = plain_frame("2")
_NOOP: Final = plain_frame("6")
_CLOSE: Final = plain_frame("1")


class WebSocket(Protocol):
    """What carries the connection once it is upgraded; failures are ``OSError``s."""

    async def wait(self) -> str | bytes:
        """The next message."""
        ...

    async def send(self, message: str) -> None:
        """Write a message, at the pace of the network."""
        ...

    async def close(self, code: int = 1000) -> None:
        """Close with a code; harmless if it is closed already."""
        ...


class ClientTransport:
    """Implements :class:`~whatchat.realtime.link.Link` for one client.

    ``received`` is called with each message, ``None`` for a binary one; ``ended`` when all
    is over, after everything that the client had asked for. ``closing``: nothing more is
    written or read; ``closed``: it is gone.
    """

    def __init__(
        self,
        sid: str,
        transport: Transport,
        deadlines: Deadlines,
        tasks: Tasks,
        received: Callable[["ClientTransport", str | None], None],
        ended: Callable[["ClientTransport", str], Awaitable[None]],
    ) -> None:
        self.sid = sid
        self.connection: Connection | None = None
        self.inbox = Inbox(tasks)
        self.assembler = Assembler()
        self.connected = self.upgrading = self.upgraded = self.closing = self.closed = False
        self._deadlines = deadlines
        self._tasks = tasks
        self._received = received
        self._ended = ended
        self._max_payload = transport.max_payload_bytes
        self._outbox = Outbox()
        self._code = 1000
        self._polling = self._paused = self._abandoned = False
        self._serving: asyncio.Task[Any] | None = None
        self._alarm: Deadline | None = None
        self._over = asyncio.Event()
        self._heartbeat = Heartbeat(
            deadlines,
            interval=transport.ping_interval_ms / 1000,
            timeout=transport.ping_timeout_ms / 1000,
            ping=partial(self.write, _PING),
            lost=partial(self.dismiss, SLOW_CONSUMER),
            paused=lambda: self._paused,
        )
        self._heartbeat.beat()
        self.await_connect()

    # The link.

    @property
    def transport(self) -> str:
        return "websocket" if self.upgraded else "polling"

    @property
    def buffered(self) -> int:
        return self._outbox.size

    def write(self, frame: Frame) -> None:
        self._outbox.put(frame)

    def discard(self) -> None:
        self._outbox.discard()

    def shut(self, closing: Closing) -> None:
        if self.closing:
            return
        self.closing = True
        self._code = closing.code
        self._heartbeat.stop()
        self._outbox.end()
        if self.connection is None and not (self.upgraded or self._polling):
            self.finish("server disconnect")  # nobody waits, and there is nothing to tell
        else:
            self._set_alarm(CLOSE_SECONDS, self._abandon)

    # Its life.

    def await_connect(self) -> None:
        """Give the client 5 s to send CONNECT."""
        if not self.closing:
            self._set_alarm(CONNECT_SECONDS, partial(self.dismiss, UNAUTHENTICATED))

    def connect_came(self) -> None:
        """Ask no more for what is there; letting the client in has a deadline of its own."""
        if self._alarm is not None and not self.closing:
            self._alarm.cancel()

    def dismiss(self, closing: Closing) -> None:
        """Close, saying why to a client that can be told."""
        if self.connection is not None:
            self.connection.close(closing)
        else:
            self.shut(closing)

    def finish(self, reason: str) -> None:
        """It is over: what was asked for is still done, then the client is forgotten."""
        if self.closed:
            return
        self.closing = self.closed = True
        self._heartbeat.stop()
        if self._alarm is not None:
            self._alarm.cancel()
        self._outbox.end()
        self.inbox.put(partial(self._ended, self, reason))
        self._over.set()

    async def gone(self) -> None:
        """Return once it is over and nothing is left to do for it."""
        await self._over.wait()
        await self.inbox.idle()

    def _abandon(self) -> None:
        """Wait no longer for what the client does not take."""
        self._abandoned = True
        if self._serving is not None:
            self._serving.cancel()
        self.finish("abandoned")

    def _set_alarm(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._deadlines.after(seconds, callback)

    # What comes in.

    async def take(self, data: str | bytes) -> None:
        """Handle one Engine.IO packet; returns when the client may send the next."""
        kind = "b" if isinstance(data, bytes) else data[:1]
        if len(data) > self._max_payload:
            self.dismiss(TOO_LARGE)
        elif kind == "4":
            self._received(self, str(data[1:]))
        elif kind == "b":
            self._received(self, None)
        elif kind == "3":
            self._heartbeat.beat()
        elif kind == "1":
            self.finish("client disconnect")
        else:
            self.dismiss(MALFORMED)
        if self.inbox.full:
            await self._wait_for_room()

    async def take_payload(self, body: bytes) -> None:
        """Handle the packets that one POST brought."""
        try:
            texts = body.decode().split("\x1e")
            packets = [
                b64decode(text[1:], validate=True) if text[:1] == "b" else text for text in texts
            ]
        except ValueError:
            self.dismiss(MALFORMED)
            return
        for packet in packets:
            if not self.closing:
                await self.take(packet)

    async def _wait_for_room(self) -> None:
        self._paused = True
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await self.inbox.room()
        except TimeoutError:
            self.dismiss(SLOW_CONSUMER)
        finally:
            self._paused = False

    # What goes out.

    async def poll(self) -> list[Frame] | None:
        """What one GET takes away, as soon as there is anything; ``None`` if another waits."""
        if self.upgrading or self.upgraded:
            return [_NOOP]
        if self._polling:
            self.dismiss(MALFORMED)
            return None
        self._polling = True
        try:
            frames = await self._outbox.take(POLL_PACKETS)
        finally:
            self._polling = False
        if self._outbox.ended:
            frames.append(_CLOSE)
            self.finish("server disconnect")
        return frames

    # WebSocket.

    async def serve(self, ws: WebSocket) -> None:
        """Go on over a WebSocket, from the start or as an upgrade, until the end."""
        if self.connected and not await self._probe(ws):
            await ws.close()
            return
        self.connected = self.upgraded = True
        self._serving = asyncio.current_task()
        writer = self._tasks.spawn(self._write(ws), name="writer")
        try:
            await self._read(ws)
        except asyncio.CancelledError:
            if not self._abandoned:
                raise
        finally:
            self._serving = None
            self.finish("transport close")
            if not self._abandoned:
                await asyncio.wait({writer}, timeout=CLOSE_SECONDS)
            writer.cancel()

    async def _probe(self, ws: WebSocket) -> bool:
        if self.upgrading or self.closing:
            return False
        self.upgrading = True
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if await ws.wait() != "2probe":
                    return False
                await ws.send("3probe")
                if self._polling:
                    self.write(_NOOP)
                return await ws.wait() == "5"
        except OSError:  # TimeoutError is one
            return False
        finally:
            self.upgrading = False

    async def _read(self, ws: WebSocket) -> None:
        while not self.closed:
            try:
                data = await ws.wait()
            except OSError:
                return
            if not self.closing:
                await self.take(data)

    async def _write(self, ws: WebSocket) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # the reader learns of it as well
            while not self._outbox.ended:
                for frame in await self._outbox.take():
                    await ws.send(frame.text)
        await ws.close(self._code)
