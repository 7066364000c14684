"""Many processes write to one room, and whoever reads meanwhile meets one order."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.message_state import MessageState
from whatchat.domain.ports.message_store import ChangedSpan

READER = UserId("reader")
ROOT = Path(__file__).parents[3]
PROCESSES = 4
WRITERS_EACH = 2
CHANGES_EACH = 40


class Reader:
    """Follows a room in three ways, each of which would notice a hole or a late rev."""

    def __init__(self, store: MongoStore, room_id: RoomId) -> None:
        self._store = store
        self._room_id = room_id
        self.paged = Rev(0)
        self.synced = Rev(0)
        self.messages: dict[Seq, MessageState] = {}

    async def page(self) -> None:
        entries = await self._store.messages.entries(self._room_id, after=self.paged, limit=7)
        for entry in entries:
            assert entry.rev == self.paged + 1, f"{entry.rev} does not follow {self.paged}"
            self.paged = entry.rev

    async def sync(self) -> None:
        """As the sync service does: what changed between a cursor and the room's head."""
        record = await self._store.rooms.record(self._room_id)
        assert record is not None
        span = ChangedSpan(first=Seq(0), after=self.synced, upto=record.rev)
        found = await self._store.messages.changed(READER, {self._room_id: span}, limit=10_000)
        self.messages.update((state.seq, state) for state in found[self._room_id])
        self.synced = record.rev

    async def look_back(self) -> None:
        """The latest page has every message between its first and its last."""
        heads = await self._store.rooms.heads([self._room_id])
        latest = await self._store.messages.history(
            self._room_id, viewer_id=READER, first=Seq(0), before=None, after=None, limit=30
        )
        if latest:
            again = await self._store.messages.history(
                self._room_id,
                viewer_id=READER,
                first=latest[0].seq,
                before=Seq(latest[-1].seq + 1),
                after=None,
                limit=1_000,
            )
            assert [one.seq for one in again] == [one.seq for one in latest]
        after = await self._store.rooms.heads([self._room_id])
        assert after[self._room_id] >= heads[self._room_id]


@asynccontextmanager
async def reading(*ways: object) -> AsyncIterator[None]:
    """Repeat each way of reading until the block ends; whatever they raise comes out."""
    done = asyncio.Event()

    async def repeat(read: object) -> None:
        assert callable(read)
        while not done.is_set():
            await read()

    async with asyncio.TaskGroup() as group:
        for way in ways:
            group.create_task(repeat(way))
        yield
        done.set()


async def write_from_many_processes(url: str, room_id: RoomId) -> dict[str, list[str]]:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.mongo.appender"),
            *(url, room_id, str(CHANGES_EACH)),
            *(f"writer-{number}-{one}" for one in range(WRITERS_EACH)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    outputs = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    accepted: dict[str, list[str]] = {}
    for output, _ in outputs:
        accepted |= json.loads(output)
    return accepted


async def test_one_order_for_every_writer_and_every_reader(
    store: MongoStore, other: MongoStore, mongo_url: str, room_id: RoomId
) -> None:
    reader = Reader(other, room_id)
    async with reading(reader.page, reader.sync, reader.look_back):
        accepted = await write_from_many_processes(mongo_url, room_id)

    log = await store.messages.entries(room_id, after=Rev(1), limit=10_000)
    assert len(log) == PROCESSES * WRITERS_EACH * CHANGES_EACH
    assert [one.rev for one in log] == list(range(2, len(log) + 2))
    for name, client_ids in accepted.items():
        assert [one.client_id for one in log if one.actor_id == name] == client_ids

    while reader.paged < log[-1].rev:
        await reader.page()
    await reader.sync()
    history = await store.messages.history(
        room_id, viewer_id=READER, first=Seq(0), before=None, after=None, limit=10_000
    )
    assert list(dict(sorted(reader.messages.items())).values()) == history
