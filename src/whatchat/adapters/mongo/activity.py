"""When somebody last wrote in a room, for the directory of public rooms."""

import asyncio
import contextlib
from contextvars import Context
from datetime import datetime
from typing import Final

import structlog
from pymongo import UpdateOne

from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId

log = structlog.get_logger()

GATHER_SECONDS: Final = 0.1
SETTLE_SECONDS: Final = 1.0
MAX_NOTED: Final = 10_000


class Activity:
    """Moves public rooms up in their order soon after a message, many rooms in one write.

    A room's place in that order is the one thing that is written late: other pods see it
    move within ``GATHER_SECONDS`` and a round trip, and if the pod dies before, with the
    room's next message. Nothing else is read from it.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._noted: dict[RoomId, datetime] = {}
        self._hurry = asyncio.Event()
        self._round: asyncio.Task[None] | None = None

    def note(self, room_id: RoomId, at: datetime) -> None:
        """Somebody wrote in the room."""
        if len(self._noted) < MAX_NOTED or room_id in self._noted:
            self._noted[room_id] = at
        if self._round is None:
            self._begin_round()

    async def settle(self) -> None:
        """Have what was noted so far written, if the store takes it within a second."""
        for _ in range(2):  # the round under way may have begun before the latest note
            if self._round:
                self._hurry.set()
                await asyncio.wait([self._round], timeout=SETTLE_SECONDS)

    async def close(self) -> None:
        """Write what was noted, and stop."""
        await self.settle()
        self._noted.clear()
        if self._round:
            self._round.cancel()
            await asyncio.wait([self._round])

    def _begin_round(self) -> None:
        # In a context of its own: the caller's has the deadline of the caller's command.
        self._round = asyncio.create_task(
            self._write_soon(), name="room-activity", context=Context()
        )

    async def _write_soon(self) -> None:
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._hurry.wait()
            self._hurry.clear()
            noted, self._noted = self._noted, {}
            await self._write(noted)
        except Unavailable:
            log.warning("public rooms keep their places until somebody writes there again")
        finally:
            self._round = None
            if self._noted:
                self._begin_round()

    @within_deadline
    async def _write(self, noted: dict[RoomId, datetime]) -> None:
        rooms = self._database.majority.rooms
        match = {"_id": {"$in": list(noted)}, "public": True}
        cursor = rooms.find(match, {"_id": 1}, batch_size=MAX_NOTED)
        updates = [
            UpdateOne({"_id": room["_id"]}, {"$max": {"last_activity": noted[room["_id"]]}})
            for room in await cursor.to_list()
        ]
        if updates:
            await rooms.bulk_write(updates, ordered=False)
