"""How far rooms have come, for everybody who asks at the moment."""

from collections.abc import Mapping, Sequence
from typing import Final

from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.gathering import Gathering, answers
from whatchat.adapters.mongo.indexes import LOG_ORDER
from whatchat.adapters.mongo.log_queries import heads
from whatchat.domain.batches import batches
from whatchat.domain.ids import Rev, RoomId

MAX_ROOMS: Final = 1_000

Heads = Mapping[RoomId, Rev]


class RoomHeads:
    """Reads the heads of rooms; those who ask at the same time share their commands."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._reads = Gathering(self._answer, name="heads", most=MAX_ROOMS, weigh=len)

    async def of(self, room_ids: Sequence[RoomId]) -> Heads:
        """The latest rev of each room that there is."""
        return await self._reads.ask(room_ids)

    async def close(self) -> None:
        """Wait for what is being read."""
        await self._reads.close()

    async def _answer(self, questions: Sequence[Sequence[RoomId]]) -> list[Heads | Exception]:
        found: dict[RoomId, Rev] = {}
        room_ids = sorted({room_id for question in questions for room_id in question})
        for some in batches(room_ids, MAX_ROOMS):
            found |= await self._read(some)
        return answers(questions, found)

    async def _read(self, room_ids: Sequence[RoomId]) -> Heads:
        cursor = await self._database.majority.log.aggregate(
            heads(room_ids), hint=LOG_ORDER, batchSize=MAX_ROOMS
        )
        return {one["head"]["_id"]: one["head"]["rev"] for one in await cursor.to_list()}
