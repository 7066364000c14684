"""What one client has asked for and is still to be done."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from whatchat.realtime.workers import Workers

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


class _Nobody:
    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Inbox:
    """Runs jobs strictly one after the other; while there are none, it holds no task.

    While :data:`MAX_WAITING` wait, the reader pauses. After each job everybody else has a
    turn, so that a client that asks for much delays others by one job at a time.
    """

    __slots__ = ("_emptied", "_jobs", "_paused", "_reader", "_workers")

    def __init__(self, reader: Reader, workers: Workers) -> None:
        self._reader = reader
        self._workers = workers
        self._jobs: deque[Job] | None = None
        self._emptied: asyncio.Future[None] | None = None
        self._paused = False

    @property
    def is_idle(self) -> bool:
        """Whether everything is done."""
        return self._jobs is None

    def put(self, job: Job) -> None:
        """Do this after everything before it."""
        if self._jobs is None:
            self._jobs = deque((job,))
            self._workers.run(self._work)
            return
        self._jobs.append(job)
        if len(self._jobs) >= MAX_WAITING and not self._paused:
            self._paused = True
            self._reader.pause()

    async def idle(self) -> None:
        """Return once everything is done."""
        while self._jobs is not None:
            if self._emptied is None:
                self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._emptied})

    async def finish(self) -> None:
        """Take no notice of the reader any more, and return once everything is done."""
        self._reader = _Nobody()
        await self.idle()

    async def _work(self) -> None:
        jobs = self._jobs or deque()
        try:
            while jobs:
                try:
                    await jobs.popleft()()
                except Exception:
                    # A defect in one command must not take the connection's next ones with it.
                    log.exception("a command failed")
                except asyncio.CancelledError:
                    if _is_cancelled():
                        raise
                    log.exception("a command waited for what was cancelled")
                if self._paused and len(jobs) < READ_AGAIN_BELOW:
                    self._paused = False
                    self._reader.resume()
                if jobs:
                    await asyncio.sleep(0)  # a job that waits for nothing gives way to nobody
        finally:
            self._jobs = None
            if self._emptied is not None:
                self._emptied.set_result(None)
                self._emptied = None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
