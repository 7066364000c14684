"""The feed of the log, on servers that fail."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from msgspec import msgpack

from tests.integration.mongo.entries import ADA, created, entry, post
from tests.integration.mongo.faults import lingering, refusing
from tests.servers.mongod import ReplicaSet
from tests.waiting import until
from whatchat.adapters.mongo import deadlines, log_feed
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, random_id
from whatchat.domain.ports.log_feed import LogFeed
from whatchat.domain.ports.work_queue import Job

PATIENCE_SECONDS = 20.0
HISTORY_LOST = 286


class Writer:
    """Writes to a room, and remembers how far."""

    def __init__(self, store: MongoStore) -> None:
        self.room_id = RoomId(random_id())
        self.head = 0
        self._messages = store.messages

    async def write(self, count: int) -> None:
        for _ in range(count):
            change = post() if self.head else created(ADA)
            await self._messages.append([entry(self.room_id, self.head + 1, change)])
            self.head += 1


class Reader:
    """Reads on and on; when the store is away, again from where it was."""

    def __init__(self, feed: LogFeed, room_id: RoomId, after: bytes | None = None) -> None:
        self.revs: list[int] = []
        self.jobs: list[Job] = []
        self.failures = 0
        self._feed = feed
        self._room_id = room_id
        self._after = after
        self._reading = asyncio.create_task(self._read())
        self._stopped = False

    async def stop(self) -> None:
        """Read no more, from the middle of reading on."""
        self._stopped = True  # the driver may swallow a cancellation that meets an answer
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        after = self._after
        while not self._stopped:
            try:
                jobs: Sequence[Job] = await self._feed.read(after)
            except Unavailable:
                self.failures += 1
                await asyncio.sleep(0.1)
                continue
            self.jobs += jobs
            self.revs += [job.rev for job in jobs if job.room_id == self._room_id]
            after = jobs[-1].position if jobs else after

    async def has(self, head: int, room_id: RoomId | None = None) -> None:
        """Return once everything up to ``head`` was told, of its room or another."""
        wanted = {(room_id or self._room_id, rev) for rev in range(1, head + 1)}
        await until(
            lambda: wanted <= {(job.room_id, job.rev) for job in self.jobs},
            seconds=PATIENCE_SECONDS,
        )


@pytest.fixture
async def reader(store: MongoStore, writer: Writer) -> AsyncIterator[Reader]:
    reader = Reader(store.feed, writer.room_id)
    yield reader
    await reader.stop()


@pytest.fixture
def writer(store: MongoStore) -> Writer:
    return Writer(store)


@pytest.fixture
def refuse(mongo: ReplicaSet) -> Iterator[Callable[..., None]]:
    """Have the server answer that the history is lost, so many times."""
    primary = mongo.primary()

    def refuse(command: str, times: int) -> None:
        data = {"failCommands": [command], "errorCode": HISTORY_LOST, "namespace": "test.log"}
        primary.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)

    yield refuse
    primary.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize("command", ["aggregate", "getMore"])
async def test_where_the_history_is_lost_the_log_is_read_by_time(
    reader: Reader, writer: Writer, refuse: Callable[..., None], command: str
) -> None:
    await writer.write(10)
    await reader.has(10)
    refuse(command, 2)
    for _ in range(10):
        await writer.write(2)
        await asyncio.sleep(0.05)
    await reader.has(30)


async def test_what_is_written_while_the_log_is_read_by_time_is_not_missed(
    store: MongoStore, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_feed, "PAGE", 3)
    monkeypatch.setattr(log_feed, "OVERLAP_SECONDS", 0)
    others = [Writer(store) for _ in range(3)]
    await asyncio.gather(*(one.write(40) for one in (writer, *others)))
    await reader.has(40)
    for one in others:
        await reader.has(40, one.room_id)


class TestWhereStreamsCannotBegin:
    """As behind so much that others wrote to the server that it cannot be passed over in time."""

    @pytest.fixture(autouse=True)
    async def slow_streams(
        self, mongo: ReplicaSet, store: MongoStore, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[None]:
        monkeypatch.setattr(log_feed, "STREAM_SECONDS", 1)
        monkeypatch.setattr(log_feed, "OVERLAP_SECONDS", 0)
        monkeypatch.setattr(deadlines, "DEADLINE_SECONDS", 0.5)
        primary = mongo.primary()

        async def others_write() -> None:
            while True:
                primary.command("appendOplogNote", data={"by": "others"})
                await asyncio.sleep(0.1)

        writing = asyncio.create_task(others_write())
        with lingering(mongo, "aggregate", "log", seconds=0.6):
            yield
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

    async def test_the_log_is_read_by_time(self, reader: Reader, writer: Writer) -> None:
        for head in (5, 10):
            await writer.write(5)
            await reader.has(head)

    async def test_from_a_place_in_a_stream_too(self, store: MongoStore, writer: Writer) -> None:
        await writer.write(5)
        place = msgpack.encode((int(time.time()) << 32, f"{writer.room_id}:5", 0))
        reader = Reader(store.feed, writer.room_id, place)
        await writer.write(5)
        await until(lambda: {6, 7, 8, 9, 10} <= set(reader.revs), seconds=PATIENCE_SECONDS)
        await reader.stop()


async def test_a_stream_goes_on_by_itself_while_nothing_is_written(
    mongo: ReplicaSet, store: MongoStore, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_feed, "STREAM_SECONDS", 2)
    monkeypatch.setattr(log_feed, "OVERLAP_SECONDS", 0)
    monkeypatch.setattr(log_feed, "AWAIT_MS", 100)
    await writer.write(1)
    after = (await store.feed.read(None))[-1].position
    while jobs := await store.feed.read(after):
        after = jobs[-1].position
    await asyncio.sleep(3)  # the place is old by now
    with refusing(mongo, "aggregate", "log"), refusing(mongo, "find", "log"):
        for _ in range(3):
            assert await store.feed.read(after) == []
        await writer.write(1)
        assert [job.rev for job in await store.feed.read(after)] == [2]


async def test_a_feed_leaves_no_cursors_behind(
    mongo: ReplicaSet, store: MongoStore, writer: Writer
) -> None:
    def open_cursors() -> int:
        status = mongo.primary().command("serverStatus")
        return int(status["metrics"]["cursor"]["open"]["total"])

    before = open_cursors()
    for _ in range(3):
        reader = Reader(store.feed, writer.room_id)
        await writer.write(5)
        await reader.has(writer.head)
        await until(lambda: open_cursors() == before + 1)
        await reader.stop()
        await store.feed.close()
        await until(lambda: open_cursors() == before)


class Own:
    """A replica set of this test alone."""

    nodes = 1

    @pytest.fixture
    def replica_set(self, tmp_path: Path) -> Iterator[ReplicaSet]:
        replica_set = ReplicaSet(tmp_path, nodes=self.nodes)
        replica_set.start()
        yield replica_set
        replica_set.stop()

    @pytest.fixture
    async def store(self, replica_set: ReplicaSet) -> AsyncIterator[MongoStore]:
        store = MongoStore(replica_set.url("test"))
        await store.open()
        await store.migrate()
        yield store
        await store.close()


class TestOneNode(Own):
    async def test_a_server_that_is_silent_for_a_while(
        self, replica_set: ReplicaSet, reader: Reader, writer: Writer
    ) -> None:
        await writer.write(5)
        await reader.has(5)
        (node,) = replica_set.nodes
        node.pause()
        await until(lambda: reader.failures > 0, seconds=PATIENCE_SECONDS)
        node.resume()
        await writer.write(5)
        await reader.has(10)


class TestThreeNodes(Own):
    nodes = 3

    async def test_other_primaries_are_followed(
        self, replica_set: ReplicaSet, reader: Reader, writer: Writer
    ) -> None:
        await writer.write(5)
        for _ in range(2):
            await reader.has(writer.head)
            await asyncio.to_thread(replica_set.step_down)
            await asyncio.to_thread(replica_set.primary)
            for _ in range(20):
                try:
                    await writer.write(1)
                except Unavailable:
                    await asyncio.sleep(0.2)
        await writer.write(1)
        await reader.has(writer.head)
        assert writer.head > 20
