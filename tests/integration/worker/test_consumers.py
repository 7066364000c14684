"""What workers do, and what becomes of jobs that cannot be done."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from tests.integration.worker.conftest import GROUPS, running
from tests.waiting import until
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.background import consumer
from whatchat.background.consumer import Consumer
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.work_queue import Job, WorkQueue
from whatchat.domain.times import EPOCH
from whatchat.observability.metrics import Metrics


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(consumer, "FAILED_PAUSE_SECONDS", 0.01)


class Toil:
    """Work of which some fails, and of which nothing can be done while the world is away."""

    group = GROUPS[0]

    def __init__(self, *poison: int) -> None:
        self.poison = poison
        self.error: Exception = ValueError("no good")
        self.away = False
        self.done: list[int] = []
        self.tried: list[int] = []

    async def do(self, jobs: Sequence[Job]) -> None:
        revs = [job.rev for job in jobs]
        self.tried += revs
        if self.away:
            raise Unavailable
        if not set(revs).isdisjoint(self.poison):
            raise self.error
        self.done += revs

    async def check(self) -> None:
        if self.away:
            raise Unavailable


async def fill(queue: WorkQueue, count: int) -> None:
    jobs = [
        Job(
            room_id=RoomId("room"),
            rev=Rev(rev),
            kind="edited",
            pod="pod",
            stored_at=EPOCH,
            position=b"%d" % rev,
        )
        for rev in range(1, count + 1)
    ]
    assert await queue.add(jobs, after=None)


def consumer_of(queue: WorkQueue, toil: Toil, metrics: Metrics, name: str = "worker") -> Consumer:
    return Consumer(queue, toil, name, toil.check, metrics)


async def test_all_is_done_once_by_several(queue: RedisWorkQueue, metrics: Metrics) -> None:
    toil = Toil()
    await fill(queue, 1_000)
    async with (
        running(consumer_of(queue, toil, metrics, "a")),
        running(consumer_of(queue, toil, metrics, "b")),
    ):
        await until(lambda: len(toil.done) == 1_000)
    assert sorted(toil.done) == list(range(1, 1_001))
    assert b'whatchat_work_done_total{group="one"} 1000.0' in metrics.render()


@pytest.mark.parametrize("error", [ValueError("no good"), Unavailable("of this one alone")])
async def test_a_job_that_cannot_be_done_is_put_aside_and_holds_up_no_other(
    queue: RedisWorkQueue, metrics: Metrics, error: Exception
) -> None:
    toil = Toil(3)
    toil.error = error
    await fill(queue, 5)
    async with running(consumer_of(queue, toil, metrics)):
        await until(lambda: len(toil.done) == 4)
        await until(lambda: b'put_aside_total{group="one"} 1.0' in metrics.render())
    assert toil.done == [1, 2, 4, 5]
    assert [job.rev for job in await queue.put_aside(GROUPS[0], limit=9)] == [3]


async def test_an_outage_uses_up_no_attempts(queue: RedisWorkQueue, metrics: Metrics) -> None:
    toil = Toil()
    toil.away = True
    await fill(queue, 5)
    async with running(consumer_of(queue, toil, metrics)):
        await until(lambda: len(toil.tried) > 5 * 2)
        toil.away = False
        await until(lambda: len(toil.done) == 5)
    assert toil.done == [1, 2, 3, 4, 5]
    assert await queue.put_aside(GROUPS[0], limit=9) == []


async def test_what_is_in_hand_in_an_outage_is_nobody_elses(
    queue: RedisWorkQueue, metrics: Metrics
) -> None:
    toil = Toil()
    toil.away = True
    await fill(queue, 5)
    consumer = consumer_of(queue, toil, metrics)
    for _ in range(15):  # twice the claim time and more
        with pytest.raises(Unavailable):
            await consumer.step(more=True)
        await asyncio.sleep(0.03)
        assert await queue.take(GROUPS[0], "another", limit=9) == []
    toil.away = False
    await consumer.step(more=True)
    assert toil.done == [1, 2, 3, 4, 5]


class DriverError(Exception):
    """What a driver says of a write, with all that was to be written."""


@pytest.mark.parametrize("error", [Unavailable(), ValueError("secret"), DriverError("secret")])
async def test_the_log_does_not_quote_what_people_wrote(
    queue: RedisWorkQueue, metrics: Metrics, error: Exception
) -> None:
    toil = Toil(1)
    toil.error = error
    error.__cause__ = DriverError("a secret")
    await fill(queue, 1)
    with capture_logs() as lines:
        await consumer_of(queue, toil, metrics).step(more=True)
    (line,) = (line for line in lines if line["event"] == "jobs fail")
    told = repr(format_exc_info(None, "error", line))
    assert type(error).__name__ in told
    assert "secret" not in told
    assert ("raise self.error" in told) == (not isinstance(error, Unavailable))


async def test_who_is_to_finish_finishes_what_is_in_hand_and_takes_no_more(
    queue: RedisWorkQueue, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "BATCH", 2)
    toil, going_on = Toil(), asyncio.Event()
    do = toil.do

    async def slowly(jobs: Sequence[Job]) -> None:
        await going_on.wait()
        await do(jobs)

    monkeypatch.setattr(toil, "do", slowly)
    await fill(queue, 6)
    async with running(part := consumer_of(queue, toil, metrics)) as routine:
        await until(lambda: part.busy)
        routine.finish()
        going_on.set()
    assert toil.done == [1, 2]
    left = await queue.take(GROUPS[0], "another", limit=9)
    assert [one.job.rev for one in left] == [3, 4, 5, 6]
