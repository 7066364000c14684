"""A worker: what is done in the background, wired together, and its life."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

import structlog

from whatchat.background.backlog import Backlog
from whatchat.background.consumer import Consumer
from whatchat.background.feeder import Feeder
from whatchat.background.last_words import GROUP as LAST_WORDS
from whatchat.background.last_words import LastWords
from whatchat.background.retention import Retention
from whatchat.background.routine import Part, Routine
from whatchat.domain.ports.work_queue import WorkQueue
from whatchat.entrypoints.asgi import http_application
from whatchat.entrypoints.background import BackgroundTasks
from whatchat.entrypoints.clock_skew import ClockSkew
from whatchat.entrypoints.ending import CLOSE_SECONDS
from whatchat.entrypoints.probes import Readiness, probe_routes
from whatchat.features.accounts.changes import AccountChanges
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.blocking.blocks import CachedBlocks
from whatchat.observability.loop_lag import watch_loop_lag
from whatchat.observability.process import Process
from whatchat.pod import chores, sealing
from whatchat.services import Conversations, Ground

GROUPS: Final = (Retention.group, LAST_WORDS)
"""Who is handed every entry of the log. Whoever is added here gets what is written from then on."""

FINISH_SECONDS: Final = 6.0
"""So long a worker may take to finish what it has in hand."""

log = structlog.get_logger("whatchat.worker")


class Queues(NamedTuple):
    """The work queue as the parts of a worker see it.

    ``last_words`` is the same queue with the shorter claim time of that part.
    """

    common: WorkQueue
    last_words: WorkQueue


class Worker:
    """One of any number of workers that share the work out between them.

    ``internal`` is for the internal port where there is one. ``must_end`` is set, and
    ``failed`` is true, when the worker cannot go on.
    """

    def __init__(self, ground: Ground, queues: Queues) -> None:
        self.name = ground.pod
        self._trail = ground.trail
        self.must_end = asyncio.Event()
        self.failed = False
        store, metrics = ground.adapters.store, ground.metrics
        self._directory = CachedUserDirectory(store.accounts)
        self._changes = AccountChanges(store.accounts, self._directory)
        self._blocks = CachedBlocks(store.blocks)
        conversations = Conversations(ground, self._directory, self._blocks)
        self._log = conversations.log
        parts: tuple[Part, ...] = (
            Feeder(store, queues.common, self.name, metrics),
            Consumer(queues.common, Retention(store.messages), self.name, store.ping, metrics),
            Backlog(queues.common, metrics),
            LastWords(store, queues.last_words, conversations.announcing.tell, self.name, metrics),
            *chores(ground, self._log),
            sealing(ground),
        )
        self._routines = {part.name: Routine(part) for part in parts}
        self._tasks = BackgroundTasks(self._fail)
        self._closing = AsyncExitStack()
        self._metrics = metrics
        self._process = Process(metrics, "worker", self.name)
        self._watching = BackgroundTasks(self._fail)
        self._skew = ClockSkew(store.clock, metrics)
        self.readiness = Readiness(
            {"store": store.ping, "redis": queues.common.ping}, metrics, self._skew.warnings
        )
        probes = probe_routes(self.readiness, metrics, tells_why=True)
        self.internal = http_application([], probes) if ground.settings.internal_port else None

    async def owns(self, opened: AsyncExitStack) -> None:
        """Leave it to the worker to close what was opened for it, last of all."""
        await self._closing.enter_async_context(opened)

    async def start(self) -> None:
        """Begin to work."""
        self._process.start()
        self._closing.callback(self._process.stop)
        self._closing.push_async_callback(self._watching.stop)
        self._watching.start("loop-lag", watch_loop_lag(self._metrics.loop_lag_seconds))
        self._watching.start("readiness", self.readiness.watch())
        self._watching.start("clock", self._skew.watch())
        self._closing.push_async_callback(self._trail.stop)
        self._closing.push_async_callback(self._directory.close)
        await self._changes.start()
        self._closing.push_async_callback(self._changes.stop)
        await self._blocks.start()
        self._closing.push_async_callback(self._blocks.stop)
        self._log.start()
        self._closing.push_async_callback(self._log.stop)
        self._closing.push_async_callback(self._tasks.stop)
        for name, routine in self._routines.items():
            self._tasks.start(name, routine.run())
        self.readiness.accepting = True

    async def drain(self, *, at_once: bool = False) -> None:
        """Take nothing more and finish what is in hand, unless ``at_once``.

        What is not finished is another worker's after the queue's claim time.
        """
        self._finish()
        if not at_once:
            await self._tasks.finished(seconds=FINISH_SECONDS)

    async def stop(self) -> None:
        """Let go of everything, in reverse order."""
        self._finish()  # also told by a flag: drivers may swallow a cancellation
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._closing.aclose()
        except TimeoutError:
            log.exception("the worker did not end in time")

    def _finish(self) -> None:
        self.readiness.accepting = False
        for routine in self._routines.values():
            routine.finish()

    def _fail(self) -> None:
        self.failed = True
        self.must_end.set()
