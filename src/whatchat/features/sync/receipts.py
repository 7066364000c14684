"""Receipts that changed while nothing else did: they take no rev."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

from whatchat.domain.batches import batches
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.ports.receipt_store import ReceiptStore
from whatchat.domain.ports.room_store import Membership, RoomStore
from whatchat.domain.times import from_millis, to_millis
from whatchat.features.sync.contract import Receipt, SyncedRoom
from whatchat.features.sync.page import Page

OVERLAP: Final = timedelta(seconds=10)
"""How late a change may show up after the time that the store gave it."""

ROOMS_AT_ONCE: Final = 50
LATEST_MILLIS: Final = 10**14


class Mark(NamedTuple):
    """Up to when a client knows all receipts; ``None``: it begins.

    Half way through a later moment ``until``, it knows those of the rooms up to ``after``.
    """

    since: datetime | None = None
    until: datetime | None = None
    after: RoomId = RoomId("")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The mark that a client was given, or the empty text to begin with."""
        if not text:
            return cls()
        since, _, rest = text.partition(".")
        until, _, after = rest.partition(".")
        try:
            return cls(_moment(since), _moment(until) if until else None, RoomId(after))
        except ValueError:
            raise Invalid("`receiptsSince` is no mark", field="receiptsSince") from None

    def __str__(self) -> str:
        if self.since is None:
            return ""
        if self.until is None:
            return str(to_millis(self.since))
        return f"{to_millis(self.since)}.{to_millis(self.until)}.{self.after}"


class ReceiptNews(NamedTuple):
    """Rooms whose receipts have changed since ``mark``, by id, when all were looked at."""

    mark: Mark
    rooms: Sequence[Membership]
    read_at: datetime


class CaughtUp(NamedTuple):
    """The part of a page that tells of receipts, and the mark to hold next."""

    rooms: list[SyncedRoom]
    mark: Mark
    more: bool


class ReceiptsSince:
    """Finds rooms whose receipts changed: one read for all of them, then one for some' people."""

    def __init__(self, rooms: RoomStore, receipts: ReceiptStore) -> None:
        self._rooms = rooms
        self._receipts = receipts

    async def news(
        self, viewer_id: UserId, memberships: Iterable[Membership], mark: Mark
    ) -> ReceiptNews:
        """What changed in these rooms of the viewer's. To be asked before anything is answered."""
        known = {one.record.room_id: one for one in memberships if one.record.room_id > mark.after}
        found = await self._receipts.changed(viewer_id, list(known), mark.since)
        changed = [known[room_id] for room_id in sorted(found.room_ids)]
        return ReceiptNews(mark, changed, mark.until or found.read_at - OVERLAP)

    async def fill(self, page: Page, news: ReceiptNews, viewer_id: UserId) -> CaughtUp:
        """As many of the rooms as the page has a place for."""
        rooms: list[SyncedRoom] = []
        for some in batches(news.rooms, ROOMS_AT_ONCE):
            records = [one.record for one in some]
            listed = await self._rooms.listed(records, viewer_id)
            for record in records:
                told = receipts_of(
                    (one.user_id, *one.known_to(viewer_id)) for one in listed[record.room_id]
                )
                if not page.add(*told):
                    after = rooms[-1].room_id if rooms else news.mark.after
                    half_way = Mark(news.mark.since, news.read_at, after) if after else news.mark
                    return CaughtUp(rooms, half_way, more=True)
                rooms.append(
                    SyncedRoom(
                        room_id=record.room_id,
                        state="recovered",
                        messages=[],
                        receipts=told,
                        rev=record.rev,
                        more=False,
                    )
                )
        return CaughtUp(rooms, Mark(news.read_at), more=False)


def receipts_of(people: Iterable[tuple[UserId, Seq, Seq]]) -> list[Receipt]:
    """How far those have got who have got anything."""
    return [
        Receipt(user_id=user_id, delivered_seq=delivered_seq, read_seq=read_seq)
        for user_id, delivered_seq, read_seq in people
        if delivered_seq or read_seq
    ]


def _moment(text: str) -> datetime:
    millis = int(text)
    if not 0 <= millis < LATEST_MILLIS:
        raise ValueError(text)
    return from_millis(millis)
