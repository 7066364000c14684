"""Catching up, room by room, from the cursors that a client holds."""

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET, UnsetType

from whatchat.domain.actor import Actor
from whatchat.domain.ids import Rev, Seq, UserId
from whatchat.domain.message_state import MessageState, all_seen_by
from whatchat.domain.models import Message, Room
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.receipt_store import ReceiptStore
from whatchat.domain.ports.room_store import Membership, RoomStore
from whatchat.domain.ports.room_views import RoomViews
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.showing import show_messages
from whatchat.features.sync.contract import Receipt, Sync, Synced, SyncedRoom
from whatchat.features.sync.page import Page
from whatchat.features.sync.receipts import Mark, ReceiptNews, ReceiptsSince, receipts_of

SNAPSHOT_MESSAGES: Final = 50


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
    ) -> None:
        self._rooms = rooms
        self._receipts = ReceiptsSince(rooms, receipts)
        self._messages = messages
        self._views = views
        self._directory = directory
        self._epoch = epoch

    async def sync(self, actor: Actor, command: Sync) -> Synced:
        """A page of changes, the room with the newest activity first."""
        memberships = await self._rooms.memberships(actor.user_id)
        seen = {one.record.room_id for one in memberships}
        news = await self._receipt_news(actor.user_id, memberships, command)
        page = Page(command.limit)
        rooms: list[SyncedRoom] = []
        more = False
        for membership, cursor in self._due(memberships, command):
            synced = None if page.is_full else await self._room(membership, cursor, page)
            if synced is None:
                more = True
                break
            rooms.append(synced)
            more = more or synced.more
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

    def _due(
        self, memberships: list[Membership], command: Sync
    ) -> Iterator[tuple[Membership, Rev | None]]:
        """The rooms that have something for the caller, with the cursor if it still counts."""
        is_other_history = command.epoch not in (UNSET, self._epoch)
        for one in memberships:
            cursor = command.cursors.get(one.record.room_id)
            if cursor is None and command.only:
                continue
            if is_other_history or not _counts(cursor, one):
                yield one, None
            elif cursor != one.record.rev:
                yield one, cursor

    async def _room(
        self, membership: Membership, cursor: Rev | None, page: Page
    ) -> SyncedRoom | None:
        if cursor is None:
            return await self._snapshot(membership, page)
        return await self._recovered(membership, cursor, page)

    async def _snapshot(self, membership: Membership, page: Page) -> SyncedRoom | None:
        """All that a client needs to start from; ``None`` if this page has no place for it.

        The latest messages that fit; ``history`` has those before.
        """
        if not page.is_empty and page.messages_left < SNAPSHOT_MESSAGES:
            return None
        record = membership.record
        states = await self._messages.history(
            record.room_id,
            viewer_id=membership.member.user_id,
            first=record.readable_from(membership.member),
            before=Seq(record.rev + 1),
            after=None,
            limit=min(SNAPSHOT_MESSAGES, page.messages_left),
        )
        (room,) = await self._views.for_members([membership])
        receipts = _receipts_in(room)
        if not page.add(room, *receipts):
            return None
        latest_first = page.take((await self._shown(states, membership.member.user_id))[::-1])
        return SyncedRoom(
            room_id=record.room_id,
            state="snapshot",
            room=room,
            messages=latest_first[::-1],
            receipts=receipts,
            rev=record.rev,
            more=False,
        )

    async def _recovered(
        self, membership: Membership, cursor: Rev, page: Page
    ) -> SyncedRoom | None:
        """What changed since a cursor; ``None`` if this page has no place for any of it."""
        record = membership.record
        states = await self._messages.changed(
            record.room_id,
            viewer_id=membership.member.user_id,
            first=record.readable_from(membership.member),
            after=cursor,
            upto=record.rev,
            limit=page.messages_left + 1,
        )
        changed = record.changed_rev > cursor
        rooms = await self._views.for_members([membership]) if changed else []
        receipts = _receipts_in(rooms[0]) if rooms else await self._listed_receipts(membership)
        if not page.add(*rooms, *receipts):
            return None
        messages = page.take(await self._shown(states, membership.member.user_id))
        if states and not messages:
            return None
        more = len(messages) < len(states)
        return SyncedRoom(
            room_id=record.room_id,
            state="recovered",
            room=rooms[0] if rooms else UNSET,
            messages=messages,
            receipts=receipts,
            rev=messages[-1].rev if more else record.rev,
            more=more,
        )

    async def _shown(self, states: list[MessageState], viewer_id: UserId) -> list[Message]:
        users = await self._directory.users({state.sender_id for state in states})
        return show_messages(all_seen_by(states, viewer_id), users)

    async def _listed_receipts(self, membership: Membership) -> list[Receipt]:
        """The receipts of a room that the answer does not show."""
        record = membership.record
        listed = await self._rooms.listed([record], membership.member.user_id)
        viewer_id = membership.member.user_id
        return receipts_of(
            (one.user_id, *one.known_to(viewer_id)) for one in listed[record.room_id]
        )


def _receipts_in(room: Room) -> list[Receipt]:
    return receipts_of((one.user.id, one.delivered_seq, one.read_seq) for one in room.participants)


def _counts(cursor: Rev | None, membership: Membership) -> bool:
    """Whether a cursor belongs to this membership: not to an earlier one, nor to no history."""
    if cursor is None:
        return False
    return membership.member.joined_seq <= cursor <= membership.record.rev
