"""Catching up, room by room, from the cursors that a client holds."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import UNSET, UnsetType

from whatchat.domain.actor import Actor
from whatchat.domain.ids import Rev, UserId
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.receipt_store import ReceiptStore
from whatchat.domain.ports.room_store import Membership, RoomStore
from whatchat.domain.ports.room_views import RoomViews
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.features.sync.contract import Sync, Synced, SyncedRoom
from whatchat.features.sync.material import SNAPSHOT_MESSAGES, Due, Material, Materials
from whatchat.features.sync.page import Page
from whatchat.features.sync.receipts import Mark, ReceiptNews, ReceiptsSince
from whatchat.observability.metrics import Metrics

MAX_TOGETHER: Final = 100
"""So many rooms are read at a time."""


class SyncService:
    """Answers what changed in the caller's rooms since its cursors, a page at a time.

    Nothing between a cursor and the ``rev`` given with it is left out that the caller may
    see: messages changed meanwhile beyond that ``rev`` come with the next page or event.
    """

    def __init__(
        self,
        rooms: RoomStore,
        messages: MessageStore,
        views: RoomViews,
        directory: UserDirectory,
        epoch: str,
        receipts: ReceiptStore,
        metrics: Metrics,
    ) -> None:
        self._rooms = rooms
        self._receipts = ReceiptsSince(rooms, receipts)
        self._materials = Materials(rooms, messages, views, directory)
        self._epoch = epoch
        self._metrics = metrics

    async def sync(self, actor: Actor, command: Sync) -> Synced:
        """A page of changes, the room with the newest activity first."""
        memberships = await self._rooms.memberships(actor.user_id)
        seen = {one.record.room_id for one in memberships}
        news = await self._receipt_news(actor.user_id, memberships, command)
        page = Page(command.limit)
        due = list(self._due(memberships, command))
        rooms = await self._changed(actor.user_id, due, page)
        self._count(command, due, rooms)
        more = len(rooms) < len(due) or any(room.more for room in rooms)
        receipts_at: str | UnsetType = UNSET
        if news is not None and not more:
            caught_up = await self._receipts.fill(page, news, actor.user_id)
            rooms += caught_up.rooms
            more, receipts_at = caught_up.more, str(caught_up.mark)
        elif news is not None:
            receipts_at = str(news.mark)
        return Synced(
            epoch=self._epoch,
            rooms=rooms,
            removed=[room_id for room_id in command.cursors if room_id not in seen],
            more=more,
            receipts_at=receipts_at,
        )

    async def _changed(self, viewer_id: UserId, due: Sequence[Due], page: Page) -> list[SyncedRoom]:
        """The answers for these rooms, from the first on, for which the page has a place."""
        rooms: list[SyncedRoom] = []
        while len(rooms) < len(due) and not page.is_full:
            together = _together(due[len(rooms) :], page)
            material = await self._materials.read(viewer_id, together, limit=page.messages_left + 1)
            fitting = _fitting(together, material, page)
            rooms += fitting
            if len(fitting) < len(together):
                break
        return rooms

    async def _receipt_news(
        self, viewer_id: UserId, memberships: list[Membership], command: Sync
    ) -> ReceiptNews | None:
        """In which of the other rooms receipts have changed, if the caller wants to know."""
        if command.receipts_since is UNSET:
            return None
        mark = Mark.parse(command.receipts_since)
        if command.epoch not in (UNSET, self._epoch):
            return await self._receipts.news(viewer_id, [], Mark())
        current = [
            one for one in memberships if command.cursors.get(one.record.room_id) == one.record.rev
        ]
        return await self._receipts.news(viewer_id, current, mark)

    def _count(self, command: Sync, due: Sequence[Due], rooms: Sequence[SyncedRoom]) -> None:
        """Count what became of the rooms whose cursors the client has, once each."""
        for one, room in zip(due, rooms, strict=False):  # others are for the next page
            cursor = command.cursors.get(one.room_id)
            if cursor is None or room.more:
                continue
            # A read that lags behind what clients were told cannot be: it is a majority's.
            is_lost = command.epoch == self._epoch and cursor > one.membership.record.rev
            self._metrics.resumes.labels("lost" if is_lost else room.state).inc()

    def _due(self, memberships: list[Membership], command: Sync) -> Iterator[Due]:
        """The rooms that have something for the caller, with the cursor if it still counts."""
        is_other_history = command.epoch not in (UNSET, self._epoch)
        for one in memberships:
            cursor = command.cursors.get(one.record.room_id)
            if cursor is None and command.only:
                continue
            if is_other_history or not _counts(cursor, one):
                yield Due(one, None)
            elif cursor != one.record.rev:
                yield Due(one, cursor)


def _together(due: Sequence[Due], page: Page) -> Sequence[Due]:
    """The rooms to read next: at least one, and no more than there may be a place for."""
    left = page.messages_left
    for count, one in enumerate(due[:MAX_TOGETHER]):
        left -= one.most
        if left < 0:
            return due[: max(count, 1)]
    return due[:MAX_TOGETHER]


def _fitting(due: Sequence[Due], material: Material, page: Page) -> list[SyncedRoom]:
    """The answers for these rooms, from the first on, for which the page has a place."""
    fitting: list[SyncedRoom] = []
    for one in due:
        room = None if page.is_full else _fitted(one, material, page)
        if room is None:
            break
        fitting.append(room)
    return fitting


def _fitted(due: Due, material: Material, page: Page) -> SyncedRoom | None:
    if due.cursor is None:
        return _snapshot(due, material, page)
    return _recovered(due, material, page)


def _snapshot(due: Due, material: Material, page: Page) -> SyncedRoom | None:
    """All that a client needs to start from; ``None`` if this page has no place for it.

    The latest messages that fit; ``history`` has those before.
    """
    if not page.is_empty and page.messages_left < SNAPSHOT_MESSAGES:
        return None
    room, receipts = material.rooms[due.room_id], material.receipts[due.room_id]
    if not page.add(room, *receipts):
        return None
    latest_first = page.take(material.messages[due.room_id][::-1])
    return SyncedRoom(
        room_id=due.room_id,
        state="snapshot",
        room=room,
        messages=latest_first[::-1],
        receipts=list(receipts),
        rev=due.membership.record.rev,
        more=False,
    )


def _recovered(due: Due, material: Material, page: Page) -> SyncedRoom | None:
    """What changed since a cursor; ``None`` if this page has no place for any of it."""
    room = material.rooms.get(due.room_id)
    receipts, changed = material.receipts[due.room_id], material.messages[due.room_id]
    if not page.add(*([room] if room else ()), *receipts):
        return None
    messages = page.take(changed)
    if changed and not messages:
        return None
    more = len(messages) < len(changed)
    return SyncedRoom(
        room_id=due.room_id,
        state="recovered",
        room=room or UNSET,
        messages=messages,
        receipts=list(receipts),
        rev=messages[-1].rev if more else due.membership.record.rev,
        more=more,
    )


def _counts(cursor: Rev | None, membership: Membership) -> bool:
    """Whether a cursor belongs to this membership: not to an earlier one, nor to no history."""
    if cursor is None:
        return False
    return membership.member.joined_seq <= cursor <= membership.record.rev
