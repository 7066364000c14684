"""Telling audiences what is in the log, again and again until it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from whatchat.domain.audience import Announcement
from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError, Unavailable
from whatchat.domain.ids import Rev, RoomId, SessionId
from whatchat.domain.log import Change, Entry, subject_of
from whatchat.domain.message_state import MessageState
from whatchat.domain.ports.announcer import Announcer
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.room_state import RoomRecord
from whatchat.domain.tasks import ended
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()

DEADLINE_SECONDS: Final = 2.0
STOP_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0
CLEANING_SECONDS: Final = 10.0
PAGE: Final = 500
AT_ONCE: Final = 20
"""Dirty rooms that are seen to side by side: one that hangs holds up no others for long."""

Announcers = Mapping[type[Change], Announcer]


class News(NamedTuple):
    """An entry that is in the log, and what there is to say about it.

    ``record`` and ``message`` are the room and the message concerned as they are after it
    (or later), ``origin`` the socket whose ack tells it.
    """

    entry: Entry
    record: RoomRecord
    message: MessageState | None
    origin: SessionId | None


class Announcing:
    """Publishes news in order. A room whose publish failed stays dirty until it succeeds."""

    def __init__(
        self,
        messages: MessageStore,
        rooms: RoomStore,
        broker: Broker,
        announcers: Announcers,
        metrics: Metrics,
    ) -> None:
        self._messages = messages
        self._rooms = rooms
        self._broker = broker
        self._announcers = announcers
        self._metrics = metrics
        self._dirty: dict[RoomId, Rev] = {}
        self._publishing: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to see to dirty rooms."""
        self._task = asyncio.create_task(self._clean_for_ever(), name="dirty-rooms")

    async def stop(self) -> None:
        """Stop seeing to them, once what is being published is settled."""
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=STOP_SECONDS)
        if self._task:
            await ended(self._task)

    async def announce(self, news: Sequence[News]) -> None:
        """Tell the audiences, in order. Never raises: what failed is told later."""
        made: list[Announcement] = []
        for one in news:
            async with self._telling([one]):
                made += await self._announcements(one)
        if made:
            self._publish(made, news)

    def _publish(self, announcements: Sequence[Announcement], news: Sequence[News]) -> None:
        """Hand them over; whoever waits for its ack does not wait for the broker."""
        published = asyncio.ensure_future(self._broker.publish(announcements))
        self._publishing.add(published)
        published.add_done_callback(partial(self._published, news))

    def _published(self, news: Sequence[News], published: "asyncio.Future[None]") -> None:
        self._publishing.discard(published)
        if published.cancelled():
            self._soil(news, Unavailable())
        elif error := published.exception():
            self._soil(news, error)

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
            found += await self._announcements(News(entry, record, message, None))
        return found

    @contextlib.asynccontextmanager
    async def _telling(self, news: Sequence[News]) -> AsyncIterator[None]:
        """Have told later what cannot be told now."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                yield
        except Exception as error:  # noqa: BLE001 - logged where it is dealt with
            self._soil(news, error)

    async def _announcements(self, news: News) -> Sequence[Announcement]:
        return await self._announcers[type(news.entry.change)].announce(*news)

    def suspect(self, room_id: RoomId, told: Rev) -> None:
        """See to it that whatever the log has after ``told`` is announced."""
        first = Rev(told + 1)
        self._dirty[room_id] = min(self._dirty.get(room_id, first), first)

    def _soil(self, news: Sequence[News], error: BaseException) -> None:
        if not isinstance(error, ChatError | TimeoutError):
            log.error("an announcement failed", exc_info=error)
        elif not self._dirty:
            log.warning("announcements fail; trying again", error=repr(error))
        for one in news:
            self._metrics.publish_failures.inc()
            self.suspect(one.entry.room_id, Rev(one.entry.rev - 1))

    async def _clean_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            await self.clean()

    async def clean(self) -> None:
        """Announce the dirty rooms, or find for a few that they cannot be."""
        for rooms in batches(list(self._dirty), AT_ONCE):
            if not any(await asyncio.gather(*map(self._clean, rooms))):
                break  # store or broker is away: reading all the others would not help it

    async def tell(self, room_id: RoomId, told: Rev) -> None:
        """Announce whatever the log has after ``told``. Raises what store or broker raise."""
        while announcements := await self.replay(room_id, after=told, limit=PAGE):
            await self._broker.publish(announcements)
            told = Rev(announcements[-1].rev)

    async def _clean(self, room_id: RoomId) -> bool:
        """False if the room stays dirty; it then comes last."""
        told = Rev(self._dirty.pop(room_id) - 1)
        try:
            async with asyncio.timeout(CLEANING_SECONDS):
                await self.tell(room_id, told)
        except (ChatError, TimeoutError):
            self.suspect(room_id, told)
            return False
        except Exception:
            log.exception("a room cannot be announced; trying again")
            self.suspect(room_id, told)
            return False
        return True
