"""Receipts on their way into the store, together."""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from itertools import islice
from typing import Final

import structlog

from whatchat.domain.access import not_a_member
from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError, Unavailable
from whatchat.domain.ids import DeviceId, RoomId, Seq, UserId
from whatchat.domain.ports.receipt_store import ReceiptStore
from whatchat.domain.ports.room_store import RoomStore
from whatchat.features.receipts.disclosure import Disclosure
from whatchat.features.receipts.telling import Telling
from whatchat.features.receipts.told import Told
from whatchat.features.receipts.traits import RoomTraits
from whatchat.observability.flight_recorder import FlightRecorder

log = structlog.get_logger()

INTERVAL_SECONDS: Final = 0.02
"""From the beginning of one write to that of the next, at least."""

MAX_WAITING: Final = 20_000
MAX_WAITING_EACH: Final = 1_000
MAX_AT_ONCE: Final = 2_000

_Key = tuple[RoomId, UserId, DeviceId]


class Writing:
    """Writes at once what comes while nothing is being written, then all that queued up.

    One write is in flight at most. What one device tells of one room is one move, however
    often it tells; ``MAX_WAITING`` such moves may wait, and ``MAX_WAITING_EACH`` commands
    for one of them.
    """

    def __init__(
        self,
        store: ReceiptStore,
        rooms: RoomStore,
        traits: RoomTraits,
        disclosure: Disclosure,
        telling: Telling,
        flights: FlightRecorder | None = None,
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._traits = traits
        self._disclosure = disclosure
        self._telling = telling
        self._flights = flights or FlightRecorder()
        self._waiting: dict[_Key, Told] = {}
        self._task: asyncio.Task[None] | None = None
        self._not_before = 0.0

    def put(
        self, actor: Actor, room_id: RoomId, seq: Seq, *, is_read: bool
    ) -> "asyncio.Future[None]":
        """Settled once it is durable, or by what :func:`not_a_member` says, or ``Unavailable``."""
        key = room_id, actor.user_id, actor.device_id
        told = self._waiting.get(key)
        if told is None:
            if len(self._waiting) >= MAX_WAITING:
                raise Unavailable
            told = self._waiting[key] = Told(room_id, actor)
        elif len(told.waiting) >= MAX_WAITING_EACH:
            raise Unavailable
        told.add(actor.session_id, seq, is_read=is_read)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        told.waiting.append(future)
        if self._task is None:
            # In a context of its own: the trace of whoever came first is not all the others'.
            self._task = asyncio.create_task(self._work(), name="receipts", context=Context())
        return future

    async def stop(self) -> None:
        """Return once all is written that was put."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if (pause := self._not_before - loop.time()) > 0:
                    await asyncio.sleep(pause)
                self._not_before = loop.time() + INTERVAL_SECONDS
                keys = list(islice(self._waiting, MAX_AT_ONCE))
                await self._write([self._waiting.pop(key) for key in keys])
        finally:
            self._task = None

    async def _write(self, told: Sequence[Told]) -> None:
        try:
            traits = await self._traits.of({one.room_id for one in told})
            moves = await self._disclosure.moves(told, traits)
            moved = await self._store.advance(moves)
            await self._refuse([one for one, change in zip(told, moved, strict=True) if not change])
        except Exception as error:
            if not isinstance(error, ChatError):
                log.exception("receipts could not be written")
            for one in told:
                one.fail(error if isinstance(error, ChatError) else Unavailable())
            return
        for one, change in zip(told, moved, strict=True):
            if change is None:
                continue
            one.settle()
            self._record(one)
            if one.room_id in traits:
                self._telling.note(one, change, traits[one.room_id])

    def _record(self, one: Told) -> None:
        """Let operators see what was told, when it was durable."""
        for seq, is_read in ((one.delivered, False), (one.read, True)):
            if seq is not None:
                self._flights.acknowledged(
                    one.room_id, one.user_id, one.device_id, seq, is_read=is_read
                )

    async def _refuse(self, told: Sequence[Told]) -> None:
        """Tell those who are no members, as was found when writing."""
        if told:
            records = await self._rooms.records([one.room_id for one in told])
            for one in told:
                one.fail(not_a_member(records.get(one.room_id)))
