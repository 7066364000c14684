"""The room log: a writer per room that somebody writes to."""

import asyncio
from collections import OrderedDict
from contextvars import Context
from typing import Final

from whatchat.domain.audience import Announcement
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.room_log import Applied, Proposal
from whatchat.domain.ports.room_store import RoomStore
from whatchat.observability.metrics import Metrics
from whatchat.roomlog.announcing import Announcing
from whatchat.roomlog.counting import AppendCounts
from whatchat.roomlog.stamping import Stamp
from whatchat.roomlog.writer import RoomWriter

MAX_CACHED_PEOPLE: Final = 200_000
STOP_SECONDS: Final = 10


class OrderedRoomLog:
    """Implements ``RoomLog``. Rooms written to lately stay in memory, by people in them."""

    def __init__(
        self,
        messages: MessageStore,
        rooms: RoomStore,
        stamp: Stamp,
        announcing: Announcing,
        metrics: Metrics,
    ) -> None:
        self._messages = messages
        self._rooms = rooms
        self._stamp = stamp
        self._announcing = announcing
        self._counts = AppendCounts(metrics)
        self._writers: OrderedDict[RoomId, RoomWriter] = OrderedDict()
        self._running: dict[RoomId, asyncio.Task[None]] = {}
        self._weights: dict[RoomId, int] = {}
        self._weight = 0
        self._stopped = False

    def start(self) -> None:
        """Begin to see to what could not be announced."""
        self._announcing.start()

    async def stop(self) -> None:
        """Take nothing more, and finish what is queued within ``STOP_SECONDS``."""
        self._stopped = True
        if self._running:
            _, unfinished = await asyncio.wait(self._running.values(), timeout=STOP_SECONDS)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        await self._announcing.stop()

    async def change(
        self, room_id: RoomId, proposal: Proposal, then: Proposal | None = None
    ) -> Applied:
        if self._stopped:
            raise Unavailable
        writer = self._writers.get(room_id)
        if writer is None:
            writer = self._writers[room_id] = RoomWriter(
                room_id,
                self._messages,
                self._rooms,
                self._stamp,
                self._announcing,
                self._counts,
            )
        future = writer.enqueue(proposal, then)
        if room_id not in self._running:
            self._running[room_id] = asyncio.create_task(
                # Not in the context of the command that happens to come first.
                self._run(writer),
                name="room-writer",
                context=Context(),
            )
        return await future

    def hear(self, announcement: Announcement) -> None:
        """Take what the broker brings: the rooms written to here follow what others write."""
        if announcement.room_id and (writer := self._writers.get(announcement.room_id)):
            writer.hear(announcement)

    async def announcements(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Announcement]:
        return await self._announcing.replay(room_id, after=after, limit=limit)

    async def _run(self, writer: RoomWriter) -> None:
        room_id = writer.room_id
        try:
            await writer.run()
        finally:
            del self._running[room_id]
            self._weigh(writer)
            self._evict()

    def _weigh(self, writer: RoomWriter) -> None:
        """Keep a writer by the people in its room; one that knows nothing is not kept."""
        self._weight -= self._weights.pop(writer.room_id, 0)
        if writer.state is None or not writer.state.exists:
            del self._writers[writer.room_id]
            return
        self._writers.move_to_end(writer.room_id)
        self._weights[writer.room_id] = 1 + len(writer.state.members)
        self._weight += self._weights[writer.room_id]

    def _evict(self) -> None:
        """Forget the rooms not written to for longest; those being written to stay."""
        while self._weight > MAX_CACHED_PEOPLE:
            oldest = next((one for one in self._writers if one not in self._running), None)
            if oldest is None:
                return
            del self._writers[oldest]
            self._weight -= self._weights.pop(oldest)
