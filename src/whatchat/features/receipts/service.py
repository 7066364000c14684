"""What people tell of how far they have got."""

import asyncio
from contextvars import Context

from whatchat.domain.access import not_a_member
from whatchat.domain.actor import Actor
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import RoomId, Seq
from whatchat.domain.ports.live_rooms import LiveRooms
from whatchat.domain.ports.room_store import RoomStore
from whatchat.features.receipts.contract import MarkDelivered, MarkRead
from whatchat.features.receipts.telling import Telling
from whatchat.features.receipts.writing import Writing


class ReceiptService:
    """Takes receipts; what it answers is durable. One that is not new changes nothing."""

    def __init__(
        self, rooms: RoomStore, live: LiveRooms, writing: Writing, telling: Telling
    ) -> None:
        self._rooms = rooms
        self._live = live
        self._writing = writing
        self._telling = telling
        self._looking: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Write down and tell what was taken."""
        if self._looking:
            await asyncio.wait(self._looking)
        await self._writing.stop()
        await self._telling.stop()

    async def mark_delivered(self, actor: Actor, command: MarkDelivered) -> None:
        """The actor's device holds everything up to there."""
        await self._mark(actor, command.room_id, command.seq, is_read=False)

    async def mark_read(self, actor: Actor, command: MarkRead) -> None:
        """The actor has read everything up to there."""
        await self._mark(actor, command.room_id, command.seq, is_read=True)

    def begin_delivered(self, actor: Actor, command: MarkDelivered) -> "asyncio.Future[None]":
        """As :meth:`mark_delivered`."""
        return self._begin(actor, command.room_id, command.seq, is_read=False)

    def begin_read(self, actor: Actor, command: MarkRead) -> "asyncio.Future[None]":
        """As :meth:`mark_read`."""
        return self._begin(actor, command.room_id, command.seq, is_read=True)

    def _begin(
        self, actor: Actor, room_id: RoomId, seq: Seq, *, is_read: bool
    ) -> "asyncio.Future[None]":
        if self._is_known(actor, room_id, seq):
            return self._writing.put(actor, room_id, seq, is_read=is_read)
        task = asyncio.create_task(
            self._mark(actor, room_id, seq, is_read=is_read), name="receipt", context=Context()
        )
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)
        return task

    async def _mark(self, actor: Actor, room_id: RoomId, seq: Seq, *, is_read: bool) -> None:
        if not self._is_known(actor, room_id, seq):
            await self._require(actor, room_id, seq)
        await self._writing.put(actor, room_id, seq, is_read=is_read)

    def _is_known(self, actor: Actor, room_id: RoomId, seq: Seq) -> bool:
        """Whether this pod knows that the actor may say so."""
        head = self._live.head(room_id)
        return head is not None and seq <= head and self._live.is_member(room_id, actor.user_id)

    async def _require(self, actor: Actor, room_id: RoomId, seq: Seq) -> None:
        membership = await self._rooms.membership(room_id, actor.user_id)
        if membership is None or membership.member.concealed:
            raise not_a_member(await self._rooms.record(room_id))
        if seq > membership.record.rev:
            raise Invalid("`seq` is beyond the room's head", field="seq")
