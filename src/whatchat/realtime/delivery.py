"""From the broker to the sockets, each room in rev order, holes filled from the store."""

import asyncio
from typing import Final

import structlog

from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import RoomId
from whatchat.domain.ports.room_log import RoomLog
from whatchat.domain.ports.room_store import RoomStore
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.realtime.channels import Channels
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.deliveries import Cause, Deliveries
from whatchat.realtime.delivery_spans import DeliverySpans
from whatchat.realtime.fanout import Fanout
from whatchat.realtime.hub import Hub, LocalRoom
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

HOLE_SECONDS: Final = 0.1
FILL_PAGE: Final = 200
FILLS_AT_ONCE: Final = 8
MAX_BACKOFF: Final = 5.0
EMPTY_READS: Final = 5


class Delivery:
    """Takes what the broker brings and lets it out in order.

    A hole in a room's revs is read from the store after 100 ms, once for all the room's
    sockets, again with growing pauses while the store does not answer. A room that a local
    user has just entered is subscribed and its head read behind that, so that nothing
    falls between the entering and the live stream.
    """

    def __init__(
        self,
        hub: Hub,
        room_channels: Channels[RoomId],
        rooms: RoomStore,
        room_log: RoomLog,
        deadlines: Deadlines,
        tasks: Tasks,
        deliveries: Deliveries,
        flights: FlightRecorder | None = None,
        spans: DeliverySpans | None = None,
    ) -> None:
        self._hub = hub
        self._room_channels = room_channels
        self._rooms = rooms
        self._room_log = room_log
        self._deadlines = deadlines
        self._tasks = tasks
        self._deliveries = deliveries
        self._fanout = Fanout(hub, deliveries, flights)
        self._spans = spans
        self._fills = asyncio.Semaphore(FILLS_AT_ONCE)
        self._entered: set[RoomId] = set()
        self._following = False

    def accept(self, announcement: Announcement) -> None:
        """Take what arrived; the broker calls this."""
        audience = announcement.audience
        room = self._hub.room(announcement.room_id) if announcement.room_id else None
        if announcement.room_id is None or not announcement.rev:
            self._deliver(announcement)
        elif isinstance(audience, InRoom):
            if room is not None:
                self._let_out(room, room.feed.take(announcement))
        elif isinstance(audience, ToUser) and self._hub.user(audience.user_id) is not None:
            self._accept_for_user(announcement, audience, room)

    def begin(self, room: LocalRoom, head: int) -> None:
        """Start a room's feed at the head that was read, or let it catch up to that."""
        if not room.feed.started:
            room.begin(head)
        self._let_out(room, room.feed.start(head))

    def follow(self, room_id: RoomId) -> None:
        """See to it that nothing of a room is missed from now on."""
        room = self._hub.room(room_id)
        if room is None or (room.feed.started and self._room_channels.in_force(room_id)):
            return
        self._entered.add(room_id)
        if not self._following:
            self._following = True
            self._tasks.spawn(self._follow_entered(), name="follow-rooms")

    def _accept_for_user(
        self, announcement: Announcement, audience: ToUser, room: LocalRoom | None
    ) -> None:
        # Leaving never waits for a hole: nothing more may reach whoever is out.
        if audience.leaves is None and room is not None and room.feed.started:
            self._let_out(room, room.feed.take(announcement))
        else:
            self._deliver(announcement)
        entered = self._hub.room(audience.enters) if audience.enters else None
        if entered is not None:
            if not entered.feed.started:
                self.begin(entered, announcement.rev)
            self.follow(entered.room_id)

    def _deliver(self, announcement: Announcement) -> None:
        if self._spans is None or not announcement.trace:
            self._fanout.deliver(announcement)
            return
        with self._spans.of(announcement):
            self._fanout.deliver(announcement)

    def _let_out(self, room: LocalRoom, announcements: list[Announcement]) -> None:
        for announcement in announcements:
            self._deliver(announcement)
        if room.feed.hole and not room.filling:
            room.filling = True
            self._deadlines.after(
                HOLE_SECONDS, lambda: self._tasks.spawn(self._fill(room), name="fill")
            )

    async def _follow_entered(self) -> None:
        pause = HOLE_SECONDS
        try:
            while self._entered:
                room_ids = tuple(self._entered)
                try:
                    await self._room_channels.settle()
                    heads = await self._rooms.heads(room_ids)
                except ChatError as error:
                    log.warning("rooms cannot be followed yet", error=error.text)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, MAX_BACKOFF)
                    continue
                self._entered.difference_update(room_ids)
                for room_id, head in heads.items():
                    if room := self._hub.room(room_id):
                        self.begin(room, head)
        finally:
            self._following = False

    async def _fill(self, room: LocalRoom) -> None:
        empty_reads, pause = 0, HOLE_SECONDS
        cause: Cause = "hole" if room.feed.holds_later else "heads"
        is_repaired = False
        try:
            while room.feed.hole and self._hub.room(room.room_id) is room:
                async with self._fills:
                    found = await self._read(room)
                if found:
                    empty_reads, pause = 0, HOLE_SECONDS
                    missed = room.feed.fill(found)
                    is_repaired = is_repaired or bool(missed)
                    self._let_out(room, missed)
                    continue
                empty_reads += found is not None
                if empty_reads >= EMPTY_READS:
                    log.warning("a hole in a room stays", after=room.feed.position)
                    self._deliveries.gave_up()
                    self._let_out(room, room.feed.skip())
                    continue
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_BACKOFF)
        finally:
            room.filling = False
            if is_repaired:
                self._deliveries.repaired(cause)

    async def _read(self, room: LocalRoom) -> list[Announcement] | None:
        """What the store has beyond the feed; ``None`` if it does not answer."""
        try:
            return await self._room_log.announcements(
                room.room_id, after=room.feed.position, limit=FILL_PAGE
            )
        except ChatError as error:
            log.warning("a hole in a room cannot be read yet", error=error.text)
            return None
