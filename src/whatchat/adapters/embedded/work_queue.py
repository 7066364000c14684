"""The work queue for pods that share one process."""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.work_queue import (
    ATTEMPTS,
    CLAIM_SECONDS,
    MAX_JOBS,
    MAX_PUT_ASIDE,
    Assignment,
    Job,
    Progress,
    Standing,
)
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()


class _Claim:
    """A job, who has it since when, and how often it was given to anybody."""

    __slots__ = ("attempts", "job", "since", "worker")

    def __init__(self, job: Job, worker: str, since: float) -> None:
        self.job = job
        self.worker = worker
        self.since = since
        self.attempts = 1


class _Group:
    """One group's way through the queue; numbers count the jobs ever added."""

    def __init__(self) -> None:
        self.next = 0
        self.claims: dict[int, _Claim] = {}
        self.aside: deque[Job] = deque(maxlen=MAX_PUT_ASIDE)

    @property
    def oldest(self) -> int:
        """The first number that is not finished."""
        return min(self.claims, default=self.next)


class InProcessWorkQueue:
    """Implements ``WorkQueue`` over a monotonic clock; lost with the process."""

    def __init__(
        self,
        groups: Sequence[str],
        metrics: Metrics,
        *,
        claim_seconds: float = CLAIM_SECONDS,
        attempts: int = ATTEMPTS,
        max_jobs: int = MAX_JOBS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._metrics = metrics
        self._groups = {group: _Group() for group in groups}
        self._claim_seconds = claim_seconds
        self._attempts = attempts
        self._max_jobs = max_jobs
        for group in groups:
            metrics.work_put_aside.labels(group)
        self._clock = clock
        self._jobs: deque[Job] = deque()
        self._first = 0
        self._newest: Job | None = None

    async def add(self, jobs: Sequence[Job], *, after: bytes | None) -> bool:
        if not jobs:
            return True
        if after != (self._newest.position if self._newest else None):
            return False
        self._trim()
        if len(self._jobs) + len(jobs) > self._max_jobs:
            raise Unavailable("the work queue is full")
        for job in jobs:
            self._jobs.append(job)
            self._newest = job
        return True

    async def take(self, group: str, worker: str, *, limit: int) -> list[Assignment]:
        way = self._groups[group]
        taken = self._reclaim(group, worker, limit)
        while len(taken) < limit and way.next < self._first + len(self._jobs):
            claim = _Claim(self._jobs[way.next - self._first], worker, self._clock())
            way.claims[way.next] = claim
            taken.append(_assignment(way.next, claim))
            way.next += 1
        return taken

    async def keep(self, group: str, worker: str, receipts: Sequence[str]) -> None:
        claims = self._groups[group].claims
        for receipt in receipts:
            if claim := claims.get(int(receipt)):
                claim.worker, claim.since = worker, self._clock()

    async def done(self, group: str, receipts: Sequence[str]) -> None:
        for receipt in receipts:
            self._groups[group].claims.pop(int(receipt), None)

    async def progress(self) -> Progress:
        oldest = self._oldest() - self._first
        return Progress(
            oldest=self._jobs[oldest] if oldest < len(self._jobs) else None, newest=self._newest
        )

    async def ping(self) -> None:
        """Nothing to do: it is here."""

    async def put_aside(self, group: str, *, limit: int) -> list[Job]:
        return list(self._groups[group].aside)[: -limit - 1 : -1]

    async def standings(self) -> list[Standing]:
        end = self._first + len(self._jobs)
        return [
            Standing(
                group=name,
                waiting=len(group.claims) + end - group.next,
                put_aside=len(group.aside),
            )
            for name, group in self._groups.items()
        ]

    def _reclaim(self, group: str, worker: str, limit: int) -> list[Assignment]:
        way, taken = self._groups[group], list[Assignment]()
        now = self._clock()
        for number, claim in list(way.claims.items()):
            if len(taken) == limit:
                break
            if now - claim.since < self._claim_seconds:
                continue
            if claim.attempts >= self._attempts:
                self._put_aside(group, way.claims.pop(number).job)
                continue
            log.warning("a job was left unfinished", worker=claim.worker)
            claim.attempts += 1
            claim.worker, claim.since = worker, now
            taken.append(_assignment(number, claim))
        return taken

    def _put_aside(self, group: str, job: Job) -> None:
        self._groups[group].aside.append(job)
        self._metrics.work_put_aside.labels(group).inc()
        name = f"{job.room_id}/{job.rev} {job.kind}"
        log.error("a job failed too often and was put aside", group=group, job=name)

    def _oldest(self) -> int:
        return min(group.oldest for group in self._groups.values())

    def _trim(self) -> None:
        oldest = self._oldest()
        while self._first < oldest:
            self._jobs.popleft()
            self._first += 1


def _assignment(number: int, claim: _Claim) -> Assignment:
    return Assignment(job=claim.job, attempt=claim.attempts, receipt=str(number))
