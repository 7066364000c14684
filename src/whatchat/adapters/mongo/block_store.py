"""Blocks in MongoDB."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.gathering import Gathering, answers
from whatchat.adapters.mongo.snapshots import ONE_READ, read_since
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import UserId
from whatchat.domain.ports.block_store import Block, BlockChange, ChangedBlocks
from whatchat.domain.ports.blocks import Blocked

MAX_PEOPLE: Final = 1_000

_IN_FORCE: Final = {"since": {"$exists": True}}
_MADE: Final[list[Document]] = [
    {"$set": {"since": "$$NOW", "changed_at": "$$NOW"}},
    {"$unset": "lifted_at"},
]
_LIFTED: Final[list[Document]] = [
    {"$set": {"lifted_at": "$$NOW", "changed_at": "$$NOW"}},
    {"$unset": "since"},
]


class MongoBlockStore:
    """Implements ``BlockStore``; the store's time is the primary's clock.

    A block that was lifted stays for a while without ``since``, so that every pod learns
    of it. Those who ask at the same time whom blocks are around share their commands.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._reads = Gathering(self._read, name="blocks", most=MAX_PEOPLE, weigh=len)

    @within_deadline
    async def block(self, blocker_id: UserId, blocked_id: UserId) -> BlockChange:
        key = {"_id": _block_id(blocker_id, blocked_id)}
        pair = {"$set": {"blocker_id": blocker_id, "blocked_id": blocked_id}}
        blocks = self._database.majority.blocks
        try:
            made = await blocks.find_one_and_update(
                {**key, "since": {"$exists": False}},
                [pair, *_MADE],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            # Once a majority has it: until then a failover may undo it.
            made = await blocks.find_one({**key, **_IN_FORCE})
        if made is None:
            raise Unavailable
        return _change(made)

    @within_deadline
    async def unblock(self, blocker_id: UserId, blocked_id: UserId) -> BlockChange | None:
        blocks = self._database.majority.blocks
        key = {"_id": _block_id(blocker_id, blocked_id)}
        lifted = await blocks.find_one_and_update(
            {**key, **_IN_FORCE}, _LIFTED, return_document=ReturnDocument.AFTER
        )
        if lifted is None and await blocks.find_one({**key, **_IN_FORCE}):
            raise Unavailable  # it was lifted, but no majority has that yet
        return _change(lifted) if lifted else None

    @within_deadline
    async def made_by(self, user_id: UserId, *, before: Block | None, limit: int) -> list[Block]:
        match: Document = {"blocker_id": user_id, **_IN_FORCE}
        if before:
            match["$or"] = [
                {"since": {"$lt": before.since}},
                {"since": before.since, "blocked_id": {"$lt": before.blocked_id}},
            ]
        cursor = self._database.majority.blocks.find(
            match,
            sort=[("since", -1), ("blocked_id", -1)],
            limit=limit,
            batch_size=limit + 1,
        )
        return [
            Block(blocked_id=found["blocked_id"], since=found["since"])
            for found in await cursor.to_list()
        ]

    @within_deadline
    async def around(self, user_ids: Collection[UserId]) -> Mapping[UserId, Blocked]:
        return await self._reads.ask(user_ids)

    @within_deadline
    async def changed_since(self, moment: datetime | None) -> ChangedBlocks:
        changes, read_at = await read_since(self._database, "blocks", "changed_at", moment)
        return ChangedBlocks(changes=tuple(map(_change, changes)), read_at=read_at)

    async def close(self) -> None:
        """Wait for what is being read for many."""
        await self._reads.close()

    async def _read(
        self, questions: Sequence[Collection[UserId]]
    ) -> list[Mapping[UserId, Blocked] | Exception]:
        asked = {user_id for question in questions for user_id in question}
        return answers(questions, await self._around(asked))

    async def _around(self, user_ids: Collection[UserId]) -> Mapping[UserId, Blocked]:
        made: dict[UserId, set[UserId]] = {user_id: set() for user_id in user_ids}
        met: dict[UserId, set[UserId]] = {user_id: set() for user_id in user_ids}
        theirs = {"$in": list(user_ids)}
        cursor = self._database.snapshot.blocks.find(
            {"$or": [{"blocker_id": theirs, **_IN_FORCE}, {"blocked_id": theirs, **_IN_FORCE}]},
            {"_id": 0, "blocker_id": 1, "blocked_id": 1},
            batch_size=ONE_READ,
        )
        async for found in cursor:
            blocker_id, blocked_id = found["blocker_id"], found["blocked_id"]
            if blocker_id in made:
                made[blocker_id].add(blocked_id)
            if blocked_id in met:
                met[blocked_id].add(blocker_id)
        return {
            user_id: Blocked(blocks=frozenset(made[user_id]), blocked_by=frozenset(met[user_id]))
            for user_id in user_ids
        }


def _block_id(blocker_id: UserId, blocked_id: UserId) -> str:
    return f"{blocker_id}:{blocked_id}"


def _change(document: Document) -> BlockChange:
    return BlockChange(
        blocker_id=document["blocker_id"],
        blocked_id=document["blocked_id"],
        is_blocked="since" in document,
        changed_at=document["changed_at"],
    )
