"""One group's share of the work, done by one worker."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import structlog

from whatchat.domain.errors import ChatError
from whatchat.domain.ports.work_queue import Assignment, Job, WorkQueue
from whatchat.observability.metrics import Metrics

log = structlog.get_logger("whatchat.consumer")

BATCH: Final = 200
PAUSE_SECONDS: Final = 0.2
FAILED_PAUSE_SECONDS: Final = 1.0


class Work(Protocol):
    """What a group is for. Doing a job twice does no more than doing it once."""

    group: str

    async def do(self, jobs: Sequence[Job]) -> None:
        """Do these. Raises ``Unavailable`` where it cannot be done now."""
        ...


class Consumer:
    """Takes a group's jobs, a batch at a time, and does them.

    While a dependency is away, as ``check`` tells, the batch stays in hand and no other is
    taken. A job that fails for any other reason is left to the queue, which hands it out
    again later, and puts it aside if that goes on.
    """

    def __init__(
        self,
        queue: WorkQueue,
        work: Work,
        worker: str,
        check: Callable[[], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self.name = work.group
        self._queue = queue
        self._work = work
        self._worker = worker
        self._check = check
        self._metrics = metrics
        self._todo: Sequence[Assignment] = ()
        self._done: list[str] = []
        self._complaints: set[str] = set()

    @property
    def busy(self) -> bool:
        return bool(self._todo or self._done)

    async def step(self, *, more: bool) -> float:
        if self.busy:
            await self._keep()
        if more and not self.busy:
            self._todo = await self._queue.take(self.name, self._worker, limit=BATCH)
        pause = 0 if len(self._todo) == BATCH else PAUSE_SECONDS
        if self._todo and await self._is_done(self._todo):
            self._complaints.clear()
        elif self._todo:
            pause = FAILED_PAUSE_SECONDS
            await self._do_apart()
        self._todo = ()
        await self._queue.done(self.name, self._done)
        self._metrics.work_done.labels(self.name).inc(len(self._done))
        self._done = []
        return pause

    async def close(self) -> None:
        """Nothing to do: what is in hand is another's before long."""

    async def _keep(self) -> None:
        in_hand = [*self._done, *(assignment.receipt for assignment in self._todo)]
        await self._queue.keep(self.name, self._worker, in_hand)

    async def _do_apart(self) -> None:
        """One of them is at fault: it must not take the others with it."""
        while self._todo:
            await self._is_done(self._todo[:1])
            self._todo = self._todo[1:]

    async def _is_done(self, assignments: Sequence[Assignment]) -> bool:
        try:
            await self._work.do([assignment.job for assignment in assignments])
        except Exception as error:  # noqa: BLE001 - logged, and the queue counts it
            if isinstance(error, ChatError | TimeoutError):
                await self._check()
            self._complain(error)
            return False
        self._done += [assignment.receipt for assignment in assignments]
        return True

    def _complain(self, error: Exception) -> None:
        if (kind := type(error).__name__) not in self._complaints:
            self._complaints.add(kind)
            log.error("jobs fail", group=self.name, kind=kind, exc_info=_where(error))


def _where(error: Exception) -> Exception | None:
    """Where in the code it went wrong, unless that is known to happen.

    Without what it says and what led to it: a driver's errors quote what people wrote.
    """
    if isinstance(error, ChatError | TimeoutError):
        return None
    return Exception(type(error).__name__).with_traceback(error.__traceback__)
