"""What a worker does about pods that may have died."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from whatchat.adapters.embedded.work_queue import InProcessWorkQueue
from whatchat.background.last_words import CLAIM_SECONDS, GROUP, OUTLIVED, POD_LEASES, LastWords
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.store import Lease, Store
from whatchat.domain.ports.work_queue import Job
from whatchat.domain.times import utc_now
from whatchat.observability.metrics import Metrics

ROOM = RoomId("room")
STEP_SECONDS = 0.5


class Telling:
    """Remembers what was to be announced."""

    def __init__(self) -> None:
        self.told: list[tuple[RoomId, Rev]] = []

    async def tell(self, room_id: RoomId, told: Rev) -> None:
        self.told.append((room_id, told))


class Clock:
    """Goes on when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(metrics: Metrics, clock: Clock) -> InProcessWorkQueue:
    """The queue of this group alone."""
    return InProcessWorkQueue([GROUP], metrics, claim_seconds=CLAIM_SECONDS, clock=clock)


def job_of(pod: str) -> Job:
    return Job(room_id=ROOM, rev=Rev(3), kind="posted", pod=pod, stored_at=utc_now(), position=b"3")


async def test_a_pod_that_is_younger_than_the_leases_does_not_count_as_ended(
    store: Store, jobs: InProcessWorkQueue, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling, leases = Telling(), store.leases

    async def leases_before_a_pod_came(prefix: str) -> Sequence[Lease]:
        found = await leases(prefix)
        if await store.acquire(f"{POD_LEASES}new", "new", seconds=1):
            await jobs.add([job_of("new")], after=None)
        return found

    last_words = LastWords(store, jobs, telling.tell, "worker", metrics)
    with monkeypatch.context() as patch:
        patch.setattr(store, "leases", leases_before_a_pod_came)
        await last_words.step(more=True)
    assert last_words.busy
    await asyncio.sleep(1.1)  # it dies
    await last_words.step(more=True)
    await asyncio.sleep(0.1)
    assert telling.told == [(ROOM, 2)]


async def test_what_is_in_hand_for_long_is_nobody_elses_and_does_not_fail(
    store: Store,
    jobs: InProcessWorkQueue,
    clock: Clock,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a failover to a server whose clock is a minute behind."""
    began, behind, telling = utc_now(), timedelta(seconds=60), Telling()

    async def leases(_: str) -> Sequence[Lease]:
        until = began - behind + timedelta(seconds=clock.now + 3)
        return [Lease(name=f"{POD_LEASES}a", until=until, ended=False)]

    monkeypatch.setattr(store, "leases", leases)
    await jobs.add([job_of("a")], after=None)
    workers = [LastWords(store, jobs, telling.tell, one, metrics, clock=clock) for one in "ab"]
    while not clock.now or workers[0].busy:
        for worker in workers:
            await worker.step(more=True)
        assert not workers[1].busy
        clock.now += STEP_SECONDS
    assert clock.now >= (behind + OUTLIVED).total_seconds() - 3
    assert await jobs.put_aside(GROUP, limit=1) == []
    assert (await jobs.progress()).oldest is None
    assert telling.told == []
