"""Who is told how far others have got, and when."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import Final

import msgspec
import structlog

from whatchat.domain.audience import Announcement, InRoom, Part
from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import RoomId, Seq, SessionId, UserId
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.live_rooms import LiveRooms
from whatchat.domain.ports.receipt_store import Moved, ReceiptStore
from whatchat.features.receipts.contract import ReceiptDelivered, ReceiptRead, ReceiptsCounted
from whatchat.features.receipts.news import News, Span
from whatchat.features.receipts.told import Told
from whatchat.features.receipts.traits import Traits

log = structlog.get_logger()

WINDOW_SECONDS: Final = 0.25
"""How long receipts of a room are gathered."""

SUMMARY_SECONDS: Final = 1.0
"""From one summary of a room to the next, at least."""

LARGE_ROOM: Final = 256
MAX_AUTHORS: Final = 16
"""So many authors, those of the newest messages, a summary is made for at a time."""

MAX_SPAN: Final = 1_000
"""Of the messages newly covered the authors of so many are told."""

ROOMS_AT_ONCE: Final = 32

_encode: Final = msgspec.json.Encoder().encode

Authors = Mapping[UserId, Seq]
"""Who wrote the messages newly covered, and the newest of each."""


class _Room:
    """What is to be told of one room."""

    __slots__ = ("news", "traits")

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.news: dict[UserId, News] = {}


class Telling:
    """Gathers receipts for a while, then tells authors and the reader's own other devices.

    Authors learn what is shown, own devices what is true. In a room above ``LARGE_ROOM``
    people authors are told how many have got so far instead of who. What cannot be told
    is not told later: the store has it, and ``sync`` finds it there.
    """

    def __init__(self, store: ReceiptStore, live: LiveRooms, broker: Broker) -> None:
        self._store = store
        self._live = live
        self._broker = broker
        self._rooms: dict[RoomId, _Room] = {}
        self._due: list[tuple[float, int, RoomId]] = []
        self._ties = count()
        self._counted: dict[RoomId, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._publishing: set[asyncio.Future[None]] = set()

    def note(self, told: Told, moved: Moved, traits: Traits) -> None:
        """Take in what somebody told, if that has moved anything."""
        if moved.before == moved.after:
            return
        room = self._rooms.get(told.room_id)
        if room is None:
            room = self._rooms[told.room_id] = _Room(traits)
            self._plan(told.room_id, traits)
        news = room.news.get(told.user_id)
        if news is None:
            news = room.news[told.user_id] = News(told.user_id, moved.before)
        news.add(told, moved)

    async def stop(self) -> None:
        """Return once all is told that was gathered, each when it is due."""
        while self._task is not None:
            await asyncio.wait([self._task])
        if self._publishing:
            await asyncio.wait(self._publishing)

    def _plan(self, room_id: RoomId, traits: Traits) -> None:
        now = asyncio.get_running_loop().time()
        due = now + WINDOW_SECONDS
        if traits.people > LARGE_ROOM:
            due = max(due, self._counted.get(room_id, 0.0) + SUMMARY_SECONDS)
        heappush(self._due, (due, next(self._ties), room_id))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="receipt-windows", context=Context())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._due:
                await asyncio.sleep(max(0.0, self._due[0][0] - loop.time()))
                now, due = loop.time(), list[RoomId]()
                while self._due and self._due[0][0] <= now and len(due) < ROOMS_AT_ONCE:
                    due.append(heappop(self._due)[2])
                await self._tell_all(due)
        finally:
            self._task = None

    async def _tell_all(self, room_ids: Sequence[RoomId]) -> None:
        for some in batches(room_ids, ROOMS_AT_ONCE):
            rooms = [(room_id, self._rooms.pop(room_id)) for room_id in some]
            made = await asyncio.gather(*(self._parts(*room) for room in rooms))
            self._publish(
                [
                    _announcement(room_id, parts)
                    for (room_id, _), parts in zip(rooms, made, strict=True)
                    if parts
                ]
            )

    async def _parts(self, room_id: RoomId, room: _Room) -> Sequence[Part]:
        try:
            if room.traits.people > LARGE_ROOM:
                return await self._counts(room_id, room)
            parts: list[Part] = []
            for news in room.news.values():
                for span in news.spans():
                    authors = await self._authors(room_id, span, news.user_id)
                    parts += _parts(room_id, news, span, authors)
        except ChatError as error:
            log.warning("receipts of a room are not told", error=error.text)
        except Exception:
            log.exception("receipts of a room are not told")
        else:
            return parts
        return ()

    async def _authors(self, room_id: RoomId, span: Span, reader_id: UserId) -> Authors:
        """Whose messages are newly covered, as far as others may know; not the reader's own."""
        if span.shown <= span.shown_after:
            return {}
        posts = self._live.posts(room_id, after=span.shown_after, upto=span.shown)
        if posts is not None:
            found = {post.author_id: post.seq for post in posts if not post.hidden}
        else:
            after = Seq(max(span.shown_after, span.shown - MAX_SPAN))
            found = dict(await self._store.authors(room_id, after=after, upto=span.shown))
        found.pop(reader_id, None)
        return found

    async def _counts(self, room_id: RoomId, room: _Room) -> list[Part]:
        """How many have got so far, for the authors; own devices are told how far one has read."""
        self._note_counted(room_id)
        authors: dict[UserId, Seq] = {}
        made: list[Part] = []
        for news in room.news.values():
            for span in news.spans():
                for author_id, seq in (await self._authors(room_id, span, news.user_id)).items():
                    authors[author_id] = max(seq, authors.get(author_id, Seq(0)))
                if span.event is ReceiptRead:
                    made += _parts(room_id, news, span._replace(shown=span.shown_after), {})
        newest = sorted(authors, key=lambda author_id: authors[author_id], reverse=True)
        for author_id in newest[:MAX_AUTHORS]:
            made.append(await self._count(room_id, author_id, authors[author_id]))
        return made

    async def _count(self, room_id: RoomId, author_id: UserId, seq: Seq) -> Part:
        counted = await self._store.count(room_id, seq, without=author_id)
        event = ReceiptsCounted(
            room_id=room_id, seq=seq, delivered=counted.delivered, read=counted.read
        )
        return Part(event=event.name, payload=_encode(event), among=(author_id,))

    def _note_counted(self, room_id: RoomId) -> None:
        now = asyncio.get_running_loop().time()
        self._counted.pop(room_id, None)
        self._counted[room_id] = now
        while self._counted[oldest := next(iter(self._counted))] + SUMMARY_SECONDS < now:
            del self._counted[oldest]

    def _publish(self, announcements: Sequence[Announcement]) -> None:
        if not announcements:
            return
        try:
            published = asyncio.ensure_future(self._broker.publish(announcements))
        except ChatError:
            return
        self._publishing.add(published)
        published.add_done_callback(self._published)

    def _published(self, published: "asyncio.Future[None]") -> None:
        self._publishing.discard(published)
        if not published.cancelled():
            published.exception()  # what the broker did not take, it has counted


def _parts(room_id: RoomId, news: News, span: Span, authors: Authors) -> Iterator[Part]:
    """One event for all where they learn the same, else one for authors and one for oneself."""
    own = (news.user_id,)
    if span.own == span.shown:
        yield _part(room_id, news.user_id, span.event, span.own, (*authors, *own), news.origin)
        return
    if authors:
        yield _part(room_id, news.user_id, span.event, span.shown, tuple(authors), None)
    yield _part(room_id, news.user_id, span.event, span.own, own, news.origin)


def _part(
    room_id: RoomId,
    user_id: UserId,
    event: type[ReceiptDelivered | ReceiptRead],
    seq: Seq,
    among: tuple[UserId, ...],
    origin: SessionId | None,
) -> Part:
    payload = _encode(event(room_id=room_id, user_id=user_id, seq=seq))
    return Part(event=event.name, payload=payload, among=among, except_session=origin)


def _announcement(room_id: RoomId, parts: Sequence[Part]) -> Announcement:
    audience = InRoom(room_id=room_id, among=())
    return Announcement(
        audience=audience, event="", payload=b"", room_id=room_id, parts=tuple(parts)
    )
