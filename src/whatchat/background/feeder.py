"""From the log to the work queue."""

import time
from collections.abc import Sequence
from typing import Final

import structlog

from whatchat.domain.ports.log_feed import LogFeed
from whatchat.domain.ports.store import Store
from whatchat.domain.ports.work_queue import Job, Progress, WorkQueue
from whatchat.observability.metrics import Metrics

log = structlog.get_logger("whatchat.feeder")

LEASE: Final = "feeder"
LEASE_SECONDS: Final = 5
ROUND_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.05
"""How long what is written next is waited for, to be handed on together."""


class Feeder:
    """Moves every entry from the log to the queue, in order, and misses none.

    One of all workers does it, by a lease; another takes over when that ends. Should two
    believe that they do, no harm is done: the queue takes jobs only behind the one that was
    added last, and the bookmark moves only from where it was last seen. Whenever the queue
    turns out to be elsewhere than it was left, emptied for one, feeding goes on behind its
    newest job, or from the bookmark, before which every group has finished everything.
    """

    name = "feeder"
    busy = False  # what it has read and not handed on is read again by the next

    def __init__(self, store: Store, queue: WorkQueue, worker: str, metrics: Metrics) -> None:
        self._store = store
        self._feed: LogFeed = store.feed
        self._queue = queue
        self._worker = worker
        self._metrics = metrics
        self._leads = False
        self._next_round = 0.0
        self._bookmark: bytes | None = None
        self._tail: bytes | None = None
        self._place: bytes | None = None
        self._jobs: Sequence[Job] = ()

    async def step(self, *, more: bool) -> float:
        if not more:
            return ROUND_SECONDS
        if time.monotonic() >= self._next_round:
            await self._begin_round()
        if not self._leads:
            return ROUND_SECONDS
        return await self._hand_on()

    async def close(self) -> None:
        """Leave it to others, at once."""
        self._leads = False
        await self._feed.close()
        await self._store.release(LEASE, self._worker)

    async def _begin_round(self) -> None:
        """Renew the lease, and move the bookmark up to what every group has finished."""
        led, self._leads = self._leads, False
        if await self._store.acquire(LEASE, self._worker, seconds=LEASE_SECONDS):
            progress = await self._queue.progress()
            if led and _tail(progress) == self._tail:
                await self._move_bookmark(progress)
            else:
                await self._go_on_from(progress)
            self._leads = True
        elif led:
            await self._feed.close()
            self._metrics.work_feed_lag_seconds.set(0)
            log.info("another worker feeds the queue", worker=self._worker)
        self._next_round = time.monotonic() + ROUND_SECONDS

    async def _go_on_from(self, progress: Progress) -> None:
        self._bookmark = await self._feed.bookmark()
        self._tail = _tail(progress)
        self._place = self._tail or self._bookmark
        self._jobs = ()
        log.info("feeding the queue", worker=self._worker, empty=self._tail is None)

    async def _move_bookmark(self, progress: Progress) -> None:
        place = self._feed.before(progress.oldest.position) if progress.oldest else self._tail
        if place is None or place == self._bookmark:
            return
        if await self._feed.move_bookmark(place, expected=self._bookmark):
            self._bookmark = place
        else:
            self._bookmark = await self._feed.bookmark()

    async def _hand_on(self) -> float:
        if not self._jobs:
            self._jobs = await self._feed.read(self._place)
        self._metrics.work_feed_lag_seconds.set(_age(self._jobs))
        if not self._jobs:
            return 0
        if not await self._queue.add(self._jobs, after=self._tail):
            await self._go_on_from(await self._queue.progress())
            return 0
        self._metrics.work_fed.inc(len(self._jobs))
        self._tail = self._place = self._jobs[-1].position
        self._jobs = ()
        return GATHER_SECONDS


def _tail(progress: Progress) -> bytes | None:
    return progress.newest.position if progress.newest else None


def _age(jobs: Sequence[Job]) -> float:
    return max(time.time() - jobs[0].stored_at.timestamp(), 0) if jobs else 0.0
