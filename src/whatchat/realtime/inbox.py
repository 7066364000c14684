"""What one client has asked for and is still to be done."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

MAX_WAITING: Final = 64
READ_AGAIN_BELOW: Final = 32

Job = Callable[[], Awaitable[None]]


class Reader(Protocol):
    """Brings what clients ask for."""

    def pause(self) -> None:
        """Bring no more for now; a little that is already there may follow."""
        ...

    def resume(self) -> None: ...


class Inbox:
    """Runs jobs strictly one after the other; no task lives while there are none.

    While :data:`MAX_WAITING` wait, the reader pauses. After each job everybody else has a
    turn, so that a client that asks for much delays others by one job at a time.
    """

    __slots__ = ("_jobs", "_paused", "_reader", "_tasks", "_worker")

    def __init__(self, reader: Reader, tasks: Tasks) -> None:
        self._reader = reader
        self._tasks = tasks
        self._jobs: deque[Job] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._paused = False

    def put(self, job: Job) -> None:
        """Do this after everything before it."""
        if self._jobs is None:
            self._jobs = deque()
        self._jobs.append(job)
        if self._worker is None:
            self._worker = self._tasks.spawn(self._work(self._jobs), name="inbox")
        if len(self._jobs) >= MAX_WAITING and not self._paused:
            self._paused = True
            self._reader.pause()

    async def idle(self) -> None:
        """Return once everything is done."""
        while self._worker is not None:
            await asyncio.wait({self._worker})

    async def _work(self, jobs: deque[Job]) -> None:
        try:
            while jobs:
                await _run(jobs.popleft())
                if self._paused and len(jobs) < READ_AGAIN_BELOW:
                    self._paused = False
                    self._reader.resume()
                if jobs:
                    await asyncio.sleep(0)  # a job that waits for nothing gives way to nobody
        finally:
            self._worker = self._jobs = None


async def _run(job: Job) -> None:
    try:
        await job()
    except Exception:
        # A defect in one command must not take the connection's next ones with it.
        log.exception("a command failed")
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
        log.exception("a command waited for what was cancelled")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
