"""What every work queue guarantees."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from structlog.testing import capture_logs

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.work_queue import InProcessWorkQueue
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.work_queue import Assignment, Job, Progress, Standing, WorkQueue
from whatchat.domain.times import EPOCH
from whatchat.observability.metrics import Metrics

CLAIM_SECONDS = 0.2
ATTEMPTS = 3
MAX_JOBS = 20
PUSH, AUDIT = GROUPS = ("push", "audit")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture(params=["in-process", "redis"])
async def queue(request: pytest.FixtureRequest, metrics: Metrics) -> AsyncIterator[WorkQueue]:
    """An empty queue of each kind."""
    if request.param == "in-process":
        yield InProcessWorkQueue(
            GROUPS, metrics, claim_seconds=CLAIM_SECONDS, attempts=ATTEMPTS, max_jobs=MAX_JOBS
        )
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with connected(server.url) as servers:
        yield RedisWorkQueue(
            servers,
            fresh_keys(),
            "log",
            GROUPS,
            metrics,
            claim_seconds=CLAIM_SECONDS,
            attempts=ATTEMPTS,
            max_jobs=MAX_JOBS,
        )


def job(rev: int) -> Job:
    return Job(
        room_id=RoomId("room"),
        rev=Rev(rev),
        kind="posted",
        pod="pod",
        stored_at=EPOCH,
        position=b"at-%d" % rev,
    )


def jobs(first: int, last: int) -> list[Job]:
    return [job(rev) for rev in range(first, last + 1)]


def revs(assignments: Sequence[Assignment]) -> list[int]:
    return [assignment.job.rev for assignment in assignments]


async def finish(queue: WorkQueue, group: str, assignments: Sequence[Assignment]) -> None:
    await queue.done(group, [assignment.receipt for assignment in assignments])


async def test_every_group_gets_every_job_in_order(queue: WorkQueue) -> None:
    assert await queue.add(jobs(1, 3), after=None)
    assert await queue.add(jobs(4, 4), after=b"at-3")
    for group in GROUPS:
        taken = await queue.take(group, "worker", limit=10)
        assert [assignment.job for assignment in taken] == jobs(1, 4)
        assert [assignment.attempt for assignment in taken] == [1, 1, 1, 1]


async def test_workers_of_one_group_share_the_jobs(queue: WorkQueue) -> None:
    await queue.add(jobs(1, 5), after=None)
    assert revs(await queue.take(PUSH, "one", limit=3)) == [1, 2, 3]
    assert revs(await queue.take(PUSH, "two", limit=3)) == [4, 5]
    assert await queue.take(PUSH, "one", limit=3) == []
    assert revs(await queue.take(AUDIT, "one", limit=3)) == [1, 2, 3]


async def test_what_is_done_does_not_come_again(queue: WorkQueue) -> None:
    await queue.add(jobs(1, 3), after=None)
    taken = await queue.take(PUSH, "one", limit=3)
    await finish(queue, PUSH, taken)
    await finish(queue, PUSH, taken)
    await queue.done(PUSH, [])
    await asyncio.sleep(CLAIM_SECONDS * 1.5)
    assert await queue.take(PUSH, "two", limit=3) == []


async def test_what_a_worker_leaves_unfinished_goes_to_another(queue: WorkQueue) -> None:
    await queue.add(jobs(1, 3), after=None)
    first = await queue.take(PUSH, "one", limit=2)
    await finish(queue, PUSH, first[:1])
    await asyncio.sleep(CLAIM_SECONDS * 1.5)
    taken = await queue.take(PUSH, "two", limit=5)
    assert [(one.job.rev, one.attempt) for one in taken] == [(2, 2), (3, 1)]
    # The worker that was late finishes it all the same.
    await finish(queue, PUSH, first)
    await finish(queue, PUSH, taken[1:])
    await asyncio.sleep(CLAIM_SECONDS * 1.5)
    assert await queue.take(PUSH, "one", limit=5) == []


async def test_what_is_kept_is_nobody_elses_however_long(queue: WorkQueue) -> None:
    await queue.add(jobs(1, 3), after=None)
    taken = await queue.take(PUSH, "one", limit=3)
    await finish(queue, PUSH, taken[2:])
    kept = [assignment.receipt for assignment in taken[1:]]
    for _ in range(ATTEMPTS * 2):
        await asyncio.sleep(CLAIM_SECONDS * 0.6)
        await queue.keep(PUSH, "one", kept)
    # Neither by others nor by itself, nor is what it has finished brought back.
    assert [(one.job.rev, one.attempt) for one in await queue.take(PUSH, "two", limit=5)] == [
        (1, 2)
    ]
    assert await queue.take(PUSH, "one", limit=5) == []
    await asyncio.sleep(CLAIM_SECONDS * 1.5)
    left = await queue.take(PUSH, "two", limit=5)
    assert {(one.job.rev, one.attempt) for one in left} == {(1, 3), (2, 2)}


async def test_keeping_nothing_or_what_is_unknown_is_harmless(queue: WorkQueue) -> None:
    await queue.keep(PUSH, "one", [])
    await queue.add(jobs(1, 1), after=None)
    (assignment,) = await queue.take(PUSH, "one", limit=1)
    await finish(queue, PUSH, [assignment])
    await queue.keep(PUSH, "one", [assignment.receipt])
    await finish(queue, AUDIT, await queue.take(AUDIT, "one", limit=1))
    assert await queue.progress() == Progress(oldest=None, newest=job(1))


async def test_what_fails_too_often_is_put_aside(queue: WorkQueue, metrics: Metrics) -> None:
    await queue.add(jobs(1, 2), after=None)
    for attempt in range(1, ATTEMPTS + 1):
        taken = await queue.take(PUSH, "worker", limit=5)
        assert [(one.job.rev, one.attempt) for one in taken] == [(1, attempt), (2, attempt)]
        await asyncio.sleep(CLAIM_SECONDS * 1.5)
    assert await queue.put_aside(PUSH, limit=5) == []
    with capture_logs() as lines:
        assert await queue.take(PUSH, "worker", limit=5) == []
    told = [(line["group"], line["job"]) for line in lines]
    assert told == [(PUSH, "room/1 posted"), (PUSH, "room/2 posted")]
    assert await queue.put_aside(PUSH, limit=5) == [job(2), job(1)]
    assert await queue.put_aside(PUSH, limit=1) == [job(2)]
    assert await queue.put_aside(AUDIT, limit=5) == []
    assert b'whatchat_work_put_aside_total{group="push"} 2.0' in metrics.render()
    # It holds up nothing any more.
    await finish(queue, AUDIT, await queue.take(AUDIT, "worker", limit=5))
    assert (await queue.progress()).oldest is None


async def test_standings_tell_what_waits_and_what_was_put_aside(queue: WorkQueue) -> None:
    def standings(*numbers: tuple[int, int]) -> list[Standing]:
        return [
            Standing(group=group, waiting=waiting, put_aside=put_aside)
            for group, (waiting, put_aside) in zip(GROUPS, numbers, strict=True)
        ]

    assert await queue.standings() == standings((0, 0), (0, 0))
    await queue.add(jobs(1, 4), after=None)
    await queue.take(PUSH, "worker", limit=1)
    await finish(queue, AUDIT, await queue.take(AUDIT, "worker", limit=3))
    assert await queue.standings() == standings((4, 0), (1, 0))
    await finish(queue, AUDIT, await queue.take(AUDIT, "worker", limit=3))
    for _ in range(ATTEMPTS):
        await asyncio.sleep(CLAIM_SECONDS * 1.5)
        left = await queue.take(PUSH, "worker", limit=1)
    assert [assignment.job.rev for assignment in left] == [2]
    assert await queue.standings() == standings((3, 1), (0, 0))


async def test_progress_tells_what_some_group_has_not_finished(queue: WorkQueue) -> None:
    assert await queue.progress() == Progress(oldest=None, newest=None)
    await queue.add(jobs(1, 4), after=None)
    assert await queue.progress() == Progress(oldest=job(1), newest=job(4))
    for_push = await queue.take(PUSH, "worker", limit=4)
    for_audit = await queue.take(AUDIT, "worker", limit=2)
    await finish(queue, PUSH, for_push)
    assert (await queue.progress()).oldest == job(1)
    await finish(queue, AUDIT, for_audit[:1])
    assert (await queue.progress()).oldest == job(2)
    await finish(queue, AUDIT, for_audit)
    assert (await queue.progress()).oldest == job(3)
    await finish(queue, AUDIT, await queue.take(AUDIT, "worker", limit=4))
    assert await queue.progress() == Progress(oldest=None, newest=job(4))


async def test_jobs_are_added_only_behind_the_newest(queue: WorkQueue) -> None:
    assert not await queue.add(jobs(1, 1), after=b"at-0")
    assert await queue.add(jobs(1, 2), after=None)
    assert not await queue.add(jobs(2, 3), after=None)
    assert not await queue.add(jobs(2, 3), after=b"at-1")
    assert await queue.add([], after=b"at-2")
    assert await queue.add(jobs(3, 3), after=b"at-2")
    taken = await queue.take(PUSH, "worker", limit=10)
    assert revs(taken) == [1, 2, 3]
    for group in GROUPS:
        await finish(queue, group, await queue.take(group, "worker", limit=10))
    # Also behind one that everybody has finished.
    await finish(queue, PUSH, taken)
    assert not await queue.add(jobs(4, 4), after=None)
    assert await queue.add(jobs(4, 4), after=b"at-3")


async def test_of_two_feeders_one_gets_on(queue: WorkQueue) -> None:
    added = await asyncio.gather(*(queue.add(jobs(1, 5), after=None) for _ in range(4)))
    assert sorted(added) == [False, False, False, True]
    assert revs(await queue.take(PUSH, "worker", limit=10)) == [1, 2, 3, 4, 5]


async def test_a_full_queue_takes_no_more_and_drops_nothing(queue: WorkQueue) -> None:
    await queue.add(jobs(1, MAX_JOBS), after=None)
    newest = b"at-%d" % MAX_JOBS
    more = jobs(MAX_JOBS + 1, 2 * MAX_JOBS)
    with pytest.raises(Unavailable):
        await queue.add(more[:1], after=newest)
    taken = await queue.take(PUSH, "worker", limit=MAX_JOBS)
    assert revs(taken) == list(range(1, MAX_JOBS + 1))
    await finish(queue, PUSH, taken)
    # The other group has not done them yet.
    with pytest.raises(Unavailable):
        await queue.add(more[:1], after=newest)
    await finish(queue, AUDIT, await queue.take(AUDIT, "worker", limit=MAX_JOBS))
    assert await queue.add(more, after=newest)
    assert revs(await queue.take(PUSH, "worker", limit=1)) == [MAX_JOBS + 1]
