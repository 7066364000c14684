"""What a work queue in Redis does when Redis loses it."""

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.work_queue import Job, Progress
from whatchat.domain.times import EPOCH
from whatchat.observability.metrics import Metrics


def job(rev: int) -> Job:
    return Job(
        room_id=RoomId("room"),
        rev=Rev(rev),
        kind="posted",
        pod="pod",
        stored_at=EPOCH,
        position=b"at-%d" % rev,
    )


async def test_a_queue_that_was_lost_is_noticed_and_fed_again(server: RedisServer) -> None:
    async with connected(server.url) as servers:
        queue = RedisWorkQueue(servers, fresh_keys(), "log", ["push"], Metrics())
        await queue.add([job(1), job(2)], after=None)
        (first, _) = await queue.take("push", "worker", limit=2)
        await queue.done("push", [first.receipt])
        server.command("FLUSHALL")
        await queue.keep("push", "worker", [first.receipt])
        assert not await queue.add([job(3)], after=b"at-2")
        assert await queue.progress() == Progress(oldest=None, newest=None)
        assert await queue.take("push", "worker", limit=2) == []
        # Job 2 was the oldest unfinished one: from there it goes on.
        assert await queue.add([job(2), job(3)], after=None)
        assert [one.job for one in await queue.take("push", "worker", limit=9)] == [job(2), job(3)]


async def test_the_stream_keeps_only_what_is_unfinished_and_the_newest(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        queue = RedisWorkQueue(servers, keys, "log", ["push"], Metrics())
        after = None
        for rev in range(1, 101):
            assert await queue.add([job(rev)], after=after)
            after = job(rev).position
            taken = await queue.take("push", f"worker-{rev}", limit=1)
            await queue.done("push", [one.receipt for one in taken])
        await queue.progress()
        assert server.command("XLEN", keys.work("log")) == 1


async def test_a_group_that_is_no_more_holds_nothing_up(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        before = RedisWorkQueue(servers, keys, "log", ["push", "audit"], Metrics())
        await before.add([job(1), job(2)], after=None)
        await before.take("audit", "worker", limit=1)
        queue = RedisWorkQueue(servers, keys, "log", ["push"], Metrics(), max_jobs=3)
        for rev in range(3, 12):
            taken = await queue.take("push", "worker", limit=9)
            await queue.done("push", [one.receipt for one in taken])
            assert await queue.add([job(rev)], after=job(rev - 1).position)
        assert await queue.progress() == Progress(oldest=job(11), newest=job(11))
