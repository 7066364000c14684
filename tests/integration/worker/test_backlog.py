"""What the metrics say of the work that waits."""

from tests.integration.worker.conftest import running
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.background.backlog import Backlog
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.work_queue import Job
from whatchat.domain.times import EPOCH
from whatchat.observability.metrics import Metrics


def jobs(count: int) -> list[Job]:
    return [
        Job(
            room_id=RoomId("room"),
            rev=Rev(rev),
            kind="posted",
            pod="pod",
            stored_at=EPOCH,
            position=b"%d" % rev,
        )
        for rev in range(count)
    ]


async def test_it_is_told_again_and_again_and_stays_while_redis_is_away(
    queue: RedisWorkQueue, redis: RedisServer, metrics: Metrics
) -> None:
    backlog = Backlog(queue, metrics)
    await queue.add(jobs(5), after=None)
    await backlog.step(more=True)
    text = metrics.render()
    assert b'whatchat_work_waiting{group="one"} 5.0' in text
    assert b'whatchat_work_waiting{group="other"} 5.0' in text
    assert b"whatchat_dead_letters 0.0" in text
    async with running(backlog):
        redis.stop()
        await until(lambda: b"whatchat_redis_failures_total" in metrics.render())
        assert b'whatchat_work_waiting{group="one"} 5.0' in metrics.render()


async def test_what_was_given_up_on_is_told(queue: RedisWorkQueue, metrics: Metrics) -> None:
    backlog = Backlog(queue, metrics)
    await queue.add(jobs(3), after=None)

    async def has_given_up() -> bool:
        await queue.take("one", "worker", limit=5)
        await queue.take("other", "worker", limit=5)
        await backlog.step(more=True)
        return b"whatchat_dead_letters 6.0" in metrics.render()

    while not await has_given_up():
        pass
    assert b'whatchat_work_waiting{group="one"} 0.0' in metrics.render()
