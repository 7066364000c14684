"""What one client has asked for and is still to be done."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

MAX_WAITING: Final = 64

Job = Callable[[], Awaitable[None]]


class Inbox:
    """Runs jobs strictly one after the other; no task lives while there are none.

    The bound is kept by the reader, which awaits :meth:`room` before it reads on.
    """

    def __init__(self, tasks: Tasks, *, max_waiting: int = MAX_WAITING) -> None:
        self._tasks = tasks
        self._max_waiting = max_waiting
        self._jobs: deque[Job] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the client has to wait."""
        return len(self._jobs) >= self._max_waiting

    def put(self, job: Job) -> None:
        """Do this after everything before it."""
        self._jobs.append(job)
        if self._worker is None:
            self._worker = self._tasks.spawn(self._work(), name="inbox")

    async def room(self) -> None:
        """Return once there is room again."""
        await self._until(lambda: not self.full)

    async def idle(self) -> None:
        """Return once everything is done."""
        await self._until(lambda: self._worker is None)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._changed.clear()
            await self._changed.wait()

    async def _work(self) -> None:
        try:
            while self._jobs:
                job = self._jobs.popleft()
                self._changed.set()
                await _run(job)
        finally:
            self._worker = None
            self._changed.set()


async def _run(job: Job) -> None:
    try:
        await job()
    except Exception:
        # A defect in one command must not take the connection's next ones with it.
        log.exception("a command failed")
