"""Every entry goes from the log to the queue, whatever becomes of feeders and queues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.integration.mongo.entries import ADA, created, entry, post
from tests.integration.worker.conftest import GROUPS, running
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.servers import Servers
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.background import feeder
from whatchat.background.feeder import Feeder
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, random_id
from whatchat.domain.ports.store import Store
from whatchat.domain.ports.work_queue import WorkQueue
from whatchat.observability.metrics import Metrics

PATIENCE_SECONDS = 12.0


@pytest.fixture(autouse=True)
def rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeder, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr("whatchat.adapters.embedded.log_feed.POLLS", 1)


class Room:
    """A room that is written to."""

    def __init__(self, store: Store) -> None:
        self._messages = store.messages
        self._room_id = RoomId(random_id())
        self.head = 0

    async def write(self, count: int) -> None:
        for _ in range(count):
            self.head += 1
            change = created(ADA) if self.head == 1 else post()
            await self._messages.append([entry(self._room_id, self.head, change)])


@pytest.fixture
def room(store: Store) -> Room:
    return Room(store)


@asynccontextmanager
async def feeding(
    store: Store, queue: WorkQueue, name: str = "worker", metrics: Metrics | None = None
) -> AsyncIterator[None]:
    async with running(Feeder(store, queue, name, metrics or Metrics())):
        yield


async def done(queue: WorkQueue, group: str, count: int) -> list[int]:
    """Have a group do so many jobs; their revs."""
    revs: list[int] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(revs) < count:
            taken = await queue.take(group, "worker", limit=count - len(revs))
            await queue.done(group, [one.receipt for one in taken])
            revs += [one.job.rev for one in taken]
            await asyncio.sleep(0.01)
    return revs


async def is_marked(store: Store, rev: int) -> bool:
    """Whether the bookmark says that all up to ``rev`` is finished by every group."""
    return await store.feed.bookmark() == b"%d" % rev


async def test_what_is_written_comes_to_every_group_in_order(
    store: Store, queue: WorkQueue, room: Room, metrics: Metrics
) -> None:
    await room.write(20)
    async with feeding(store, queue, metrics=metrics):
        for group in GROUPS:
            assert await done(queue, group, 20) == list(range(1, 21))
        await room.write(5)
        assert await done(queue, GROUPS[0], 5) == list(range(21, 26))
    assert b"whatchat_work_fed_total 25.0" in metrics.render()


async def test_the_bookmark_waits_for_the_slowest_group(
    store: Store, queue: WorkQueue, room: Room
) -> None:
    await room.write(9)
    async with feeding(store, queue):
        await done(queue, GROUPS[0], 9)
        await done(queue, GROUPS[1], 4)
        await until(lambda: is_marked(store, 4))
        await done(queue, GROUPS[1], 5)
        await until(lambda: is_marked(store, 9))


async def test_an_emptied_queue_is_fed_again_from_the_bookmark(
    store: Store, queue: WorkQueue, room: Room, redis: RedisServer
) -> None:
    await room.write(10)
    async with feeding(store, queue):
        for group, count in zip(GROUPS, (10, 6), strict=True):
            await done(queue, group, count)
        await until(lambda: is_marked(store, 6))
        redis.command("FLUSHALL")
        assert await done(queue, GROUPS[1], 4) == [7, 8, 9, 10]
        await room.write(1)
        assert await done(queue, GROUPS[0], 5) == [7, 8, 9, 10, 11]


async def test_a_redis_that_dies_loses_no_work(
    store: Store, queue: WorkQueue, room: Room, redis: RedisServer
) -> None:
    await room.write(10)
    async with feeding(store, queue):
        for group in GROUPS:
            await done(queue, group, 3)
        await until(lambda: is_marked(store, 3))
        await asyncio.to_thread(redis.kill)
        await room.write(3)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(redis.start)
        await until(lambda: answers(queue))
        for group in GROUPS:
            assert await done(queue, group, 10) == list(range(4, 14))


async def answers(queue: WorkQueue) -> bool:
    try:
        await queue.ping()
    except Unavailable:
        return False
    return True


async def test_a_feeder_goes_on_where_another_was(
    store: Store, queue: WorkQueue, room: Room
) -> None:
    await room.write(5)
    async with feeding(store, queue, "first"):
        await done(queue, GROUPS[0], 5)
    await room.write(5)
    async with feeding(store, queue, "second"):
        assert await done(queue, GROUPS[0], 5) == [6, 7, 8, 9, 10]


async def test_a_feeder_that_dies_makes_way(
    store: Store, queue: WorkQueue, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "LEASE_SECONDS", 1)
    dying = Feeder(store, queue, "dying", Metrics())
    await room.write(2)
    await dying.step(more=True)
    assert not await store.acquire(feeder.LEASE, "another", seconds=1)
    async with feeding(store, queue, "heir"):
        await room.write(2)
        assert await done(queue, GROUPS[0], 4) == [1, 2, 3, 4]
    # It wakes up late and believes that nothing has happened.
    await room.write(1)
    await dying._hand_on()
    await dying._hand_on()
    assert await done(queue, GROUPS[0], 1) == [5]


async def test_two_that_both_believe_to_lead_do_no_harm(
    store: Store, queue: WorkQueue, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def granted(name: str, holder: str, *, seconds: int) -> bool:
        return True

    monkeypatch.setattr(store, "acquire", granted)
    await room.write(1)
    async with feeding(store, queue, "a"), feeding(store, queue, "b"):
        for _ in range(10):
            await room.write(10)
            await asyncio.sleep(0.02)
        for group in GROUPS:
            assert await done(queue, group, 101) == list(range(1, 102))
        await until(lambda: is_marked(store, 101))


async def test_a_stale_feeder_does_not_move_the_bookmark_back(
    store: Store, queue: WorkQueue, room: Room
) -> None:
    stale = Feeder(store, queue, "stale", Metrics())
    await room.write(4)
    await stale.step(more=True)
    await done(queue, GROUPS[0], 4)
    await done(queue, GROUPS[1], 1)
    progress = await queue.progress()
    await store.release(feeder.LEASE, "stale")
    async with feeding(store, queue):
        await done(queue, GROUPS[1], 3)
        await until(lambda: is_marked(store, 4))
        await stale._move_bookmark(progress)
        assert await is_marked(store, 4)


async def test_a_full_queue_is_waited_for(
    store: Store, servers: Servers, room: Room, monkeypatch: pytest.MonkeyPatch, metrics: Metrics
) -> None:
    monkeypatch.setattr("whatchat.adapters.embedded.log_feed.PAGE", 5)
    queue = RedisWorkQueue(servers, Keys(), "log", GROUPS, metrics, max_jobs=20)
    await room.write(60)
    async with feeding(store, queue, metrics=metrics):
        await until(lambda: b"whatchat_work_fed_total 20.0" in metrics.render())
        await asyncio.sleep(0.3)
        assert b"whatchat_work_fed_total 20.0" in metrics.render()
        assert await store.acquire(feeder.LEASE, "worker", seconds=5)
        (one, other) = await asyncio.gather(*(done(queue, group, 60) for group in GROUPS))
        assert one == other == list(range(1, 61))
