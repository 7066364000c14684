"""A session carried by HTTP long-polling: GETs that wait, POSTs that bring."""

import asyncio
from base64 import b64decode
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from whatchat.realtime.frame import Frame
from whatchat.realtime.link import MALFORMED
from whatchat.realtime.session import CLOSE, NOOP, Session

POLL_PACKETS: Final = 15  # python-engineio's client takes 16 at once, the last may be a CLOSE
POST_PACKETS: Final = 256
"""After so many that one POST brings everybody else has a turn; one may bring 32,768."""

SEPARATOR: Final = "\x1e"


class Overlap(Exception):
    """Two requests of one kind at a time, which no client of this protocol makes."""


class Polling:
    """Implements :class:`~whatchat.realtime.session.Carrier`.

    What is written waits for the next GET; ``buffered`` says how much does.
    """

    __slots__ = ("_ending", "_frames", "_posting", "_reading", "_session", "_size", "_waiter")

    name = "polling"
    congested = True  # there is no telling when the next request comes

    def __init__(self) -> None:
        self._session: Session
        self._frames: deque[Frame] = deque()
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._reading: asyncio.Future[None] | None = None
        self._ending: Frame | None = None
        self._posting = False

    # The carrier.

    def carries(self, session: Session) -> None:
        self._session = session

    @property
    def buffered(self) -> int:
        return self._size

    @property
    def is_waiting(self) -> bool:
        """Whether a GET waits."""
        return self._waiter is not None

    @property
    def is_dismissed(self) -> bool:
        """Whether the server has closed the session."""
        return self._ending is CLOSE

    def write(self, frame: Frame) -> None:
        if self._size + len(frame.wire) > self._session.engine.flusher.outbox_bytes:
            self._session.overflow()
            return
        self._frames.append(frame)
        self._size += len(frame.wire)
        self._wake()

    def discard(self) -> None:
        self._frames.clear()
        self._size = 0

    def pause_reading(self) -> None:
        self._reading = asyncio.get_running_loop().create_future()

    def resume_reading(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None and not reading.done():
            reading.set_result(None)

    def finish(self, code: int) -> None:  # noqa: ARG002 - polling has no codes
        self._ending = CLOSE
        self.resume_reading()
        self._wake()
        session = self._session
        if session.connection is None and not self.is_waiting:
            session.end("server disconnect")  # nobody waits, and there is nothing to tell
        else:
            session.engine.ending.put(self)

    def leave(self) -> None:
        self.discard()
        self._ending = NOOP
        self.resume_reading()
        self._wake()

    def abort(self) -> None:
        self.leave()
        self._session.end("abandoned")

    # Requests.

    async def get(self) -> list[Frame]:
        """What one GET takes away, as soon as there is anything. Raises :class:`Overlap`."""
        session = self._session
        if self.is_waiting:
            session.dismiss(MALFORMED)
            raise Overlap
        while not (self._frames or self._ending or session.is_probed):
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self.take()

    async def post(self, read: Callable[[], Awaitable[bytes]]) -> None:
        """Handle the packets that one POST brings; returns when the next may come.

        Raises :class:`Overlap`, and what ``read`` raises.
        """
        session = self._session
        if self._posting:
            session.dismiss(MALFORMED)
            raise Overlap
        self._posting = True
        try:
            body = await read()
            for number, packet in enumerate(_packets(body), 1):
                session.take(packet)
                if self._reading is not None:
                    await self._reading
                elif not number % POST_PACKETS:
                    await asyncio.sleep(0)
        except ValueError:
            session.dismiss(MALFORMED)
        finally:
            self._posting = False

    def release(self) -> None:
        """Have a waiting GET return: a WebSocket is about to take over."""
        self._wake()

    def hand_over(self) -> list[Frame]:
        """All that waits, for the WebSocket that goes on; a waiting GET returns empty."""
        frames = list(self._frames)
        self.leave()
        return frames

    def take(self) -> list[Frame]:
        """What a GET takes away now."""
        session = self._session
        if session.is_probed and not self._ending:
            return [NOOP]
        count = min(len(self._frames), POLL_PACKETS)
        frames = [self._frames.popleft() for _ in range(count)]
        self._size -= sum(len(frame.wire) for frame in frames)
        if self._ending is CLOSE and not self._frames:
            frames.append(CLOSE)
            session.engine.ending.drop(self)
            session.end("server disconnect")
        return frames or [NOOP]

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def payload(frames: list[Frame]) -> bytes:
    """The body of an answer to a GET."""
    return SEPARATOR.join(frame.text for frame in frames).encode()


def _packets(body: bytes) -> list[str | bytes]:
    """The packets in the body of a POST. Raises ``ValueError``."""
    texts = body.decode().split(SEPARATOR)
    return [b64decode(text[1:], validate=True) if text[:1] == "b" else text for text in texts]
