"""Telling audiences what is in the log, again and again until it is told."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog
from msgspec.structs import replace

from whatchat.domain.audience import Announcement, destination_of
from whatchat.domain.errors import ChatError, Unavailable
from whatchat.domain.ids import Rev, RoomId, SessionId
from whatchat.domain.log import Change, Entry, MessagePosted, subject_of
from whatchat.domain.message_state import MessageState
from whatchat.domain.ports.announcer import Announcer
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.room_state import RoomRecord
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.observability.metrics import Metrics
from whatchat.observability.spans import Span
from whatchat.roomlog.dirty_rooms import DirtyRooms

log = structlog.get_logger()

DEADLINE_SECONDS: Final = 2.0
STOP_SECONDS: Final = 4.5
"""A little longer than a broker may take to find that something was not published."""

PAGE: Final = 500

MAX_ORIGINS: Final = 4_096
"""Of so many entries that were told last it is known which socket has them by its ack."""

Announcers = Mapping[type[Change], Announcer]


class News(NamedTuple):
    """An entry that is in the log, and what there is to say about it.

    ``record`` and ``message`` are the room and the message concerned as they are after it
    (or later), ``origin`` the socket whose ack tells it. Of what was appended just now,
    ``accepted_at`` says when, as announcements do, and ``asked_at`` when it was asked for;
    ``command`` is the span of what asked, if it is sampled.
    """

    entry: Entry
    record: RoomRecord
    message: MessageState | None
    origin: SessionId | None
    accepted_at: float = 0.0
    asked_at: float = 0.0
    command: Span | None = None


class Announcing:
    """Publishes news in order. A room whose publish failed stays dirty until it succeeds.

    What is told again from the log, as something before it did not arrive, is not told to the
    socket here that sent it.
    """

    def __init__(
        self,
        messages: MessageStore,
        rooms: RoomStore,
        broker: Broker,
        announcers: Announcers,
        metrics: Metrics,
        flights: FlightRecorder | None = None,
    ) -> None:
        self._messages = messages
        self._rooms = rooms
        self._broker = broker
        self._announcers = announcers
        self._flights = flights or FlightRecorder()
        self._publishing: set[asyncio.Future[None]] = set()
        self._origins: OrderedDict[tuple[RoomId, Rev], SessionId] = OrderedDict()
        self.dirty = DirtyRooms(rooms, self.tell)
        metrics.dirty_rooms.set_function(lambda: self.dirty.waiting)

    @property
    def all_told(self) -> bool:
        """Whether nothing is left for others to announce."""
        return not (self.dirty or self._publishing)

    def start(self) -> None:
        """Begin to see to dirty rooms."""
        self.dirty.start()

    async def stop(self) -> None:
        """Stop seeing to them, once what is being published is settled."""
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=STOP_SECONDS)
        await self.dirty.stop()

    async def announce(self, news: Sequence[News]) -> None:
        """Tell the audiences, in order. Never raises: what failed is told later."""
        made: list[Announcement] = []
        spans: list[Span] = []
        for one in news:
            entry = one.entry
            self._remember(one)
            if one.accepted_at and isinstance(entry.change, MessagePosted):
                times = one.asked_at, one.accepted_at
                self._flights.persisted(entry.room_id, entry.rev, entry.actor_id, *times)
            async with self._telling([one]):
                its = await self._announcements(one)
                if one.command and its:
                    spans.append(_publishing(one.command, its))
                    its = [replace(each, trace=spans[-1].traceparent) for each in its]
                made += its
        if made:
            self._publish(made, news, spans)

    def _publish(
        self, announcements: Sequence[Announcement], news: Sequence[News], spans: Sequence[Span]
    ) -> None:
        """Hand them over; whoever waits for its ack does not wait for the broker."""
        try:
            published = asyncio.ensure_future(self._broker.publish(announcements))
        except Exception as error:  # noqa: BLE001 - logged where it is dealt with
            self._settle(news, spans, error)
            return
        self._publishing.add(published)
        published.add_done_callback(partial(self._published, news, spans))

    def _published(
        self, news: Sequence[News], spans: Sequence[Span], published: "asyncio.Future[None]"
    ) -> None:
        self._publishing.discard(published)
        self._settle(news, spans, Unavailable() if published.cancelled() else published.exception())

    def _settle(
        self, news: Sequence[News], spans: Sequence[Span], error: BaseException | None
    ) -> None:
        """The broker has them, or they are told later."""
        for span in spans:
            span.end(error=type(error).__name__ if error else "")
        if error:
            self._soil(news, error)
        else:
            for one in news:
                self._flights.published(one.entry.room_id, one.entry.rev)

    async def replay(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Announcement]:
        """What the entries after a rev are announced as, from the store."""
        record = await self._rooms.record(room_id)
        if record is None:
            return []
        entries = await self._messages.entries(room_id, after=after, limit=limit)
        keys = [(room_id, seq) for seq in map(subject_of, entries) if seq]
        messages = await self._messages.messages(keys) if keys else {}
        found: list[Announcement] = []
        for entry in entries:
            message = messages.get((room_id, subject_of(entry)))
            origin = self._origins.get((room_id, entry.rev))
            found += await self._announcements(News(entry, record, message, origin))
        return found

    def _remember(self, news: News) -> None:
        if news.origin:
            self._origins[news.entry.room_id, news.entry.rev] = news.origin
            if len(self._origins) > MAX_ORIGINS:
                self._origins.popitem(last=False)

    @contextlib.asynccontextmanager
    async def _telling(self, news: Sequence[News]) -> AsyncIterator[None]:
        """Have told later what cannot be told now."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                yield
        except Exception as error:  # noqa: BLE001 - logged where it is dealt with
            self._soil(news, error)

    async def _announcements(self, news: News) -> Sequence[Announcement]:
        entry, record, message, origin, accepted_at, *_ = news
        made = await self._announcers[type(entry.change)].announce(entry, record, message, origin)
        return [replace(one, accepted_at=accepted_at) for one in made] if accepted_at else made

    def _soil(self, news: Sequence[News], error: BaseException) -> None:
        if not isinstance(error, ChatError | TimeoutError):
            log.error("an announcement failed", exc_info=error)
        elif not self.dirty:
            log.warning("announcements fail; trying again", error=repr(error))
        for one in news:
            self.dirty.add(one.entry.room_id, Rev(one.entry.rev - 1))

    async def tell(self, room_id: RoomId, told: Rev) -> None:
        """Announce whatever the log has after ``told``. Raises what store or broker raise."""
        while announcements := await self.replay(room_id, after=told, limit=PAGE):
            await self._broker.publish(announcements)
            for one in announcements:
                self._flights.published(room_id, one.rev)
            told = Rev(announcements[-1].rev)


def _publishing(command: Span, announcements: Sequence[Announcement]) -> Span:
    """The span of publishing what one entry is announced as."""
    first = announcements[0]
    return command.publishing(
        destination_of(first), first.room_id or "", first.rev, len(announcements)
    )
