"""The work queue that all pods and workers share."""

from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from msgspec.msgpack import Decoder, Encoder

from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.link import Argument, Reply
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Request, Servers, run_one
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


_FEED: Final = Script("work_feed")
_TAKE: Final = Script("work_take")

_encoder: Final = Encoder()
_decoder: Final = Decoder(Job)


class RedisWorkQueue:
    """Implements ``WorkQueue`` by one stream with a consumer group for each group.

    Several may serve one queue, each with a claim time of its own.
    """

    def __init__(
        self,
        servers: Servers,
        keys: Keys,
        name: str,
        groups: Sequence[str],
        metrics: Metrics,
        *,
        claim_seconds: float = CLAIM_SECONDS,
        attempts: int = ATTEMPTS,
        max_jobs: int = MAX_JOBS,
    ) -> None:
        self._servers = servers
        self._metrics = metrics
        self._stream = keys.work(name)
        self._asides = {group: keys.work_aside(name, group) for group in groups}
        self._claim_ms = round(claim_seconds * 1000)
        self._attempts = attempts
        self._max_jobs = max_jobs
        for group in groups:
            metrics.work_put_aside.labels(group)

    async def add(self, jobs: Sequence[Job], *, after: bytes | None) -> bool:
        if not jobs:
            return True
        parts: list[Argument] = []
        for job in jobs:
            parts += [job.position, _encoder.encode(job)]
        verdict, _, _ = await self._feed(after or b"", *parts)
        if verdict == b"full":
            raise Unavailable("the work queue is full")
        return bool(verdict == b"added")

    async def take(self, group: str, worker: str, *, limit: int) -> list[Assignment]:
        given_up, found = await _TAKE.run(
            self._servers,
            (self._stream, self._asides[group]),
            *(group, worker, limit, self._claim_ms, self._attempts, MAX_PUT_ASIDE),
        )
        for job in map(_decoder.decode, given_up):
            self._metrics.work_put_aside.labels(group).inc()
            name = f"{job.room_id}/{job.rev} {job.kind}"
            log.error("a job failed too often and was put aside", group=group, job=name)
        return [
            Assignment(job=_decoder.decode(job), attempt=attempt, receipt=receipt.decode())
            for receipt, attempt, job in found
        ]

    async def keep(self, group: str, worker: str, receipts: Sequence[str]) -> None:
        if not receipts:
            return
        claim: tuple[Argument, ...] = (
            "XCLAIM",
            self._stream,
            group,
            worker,
            0,
            *receipts,
            "JUSTID",
        )
        try:
            await run_one(self._servers, self._stream, *claim)
        except Refused as refusal:
            if refusal.kind != "NOGROUP":  # it has lost everything
                raise

    async def done(self, group: str, receipts: Sequence[str]) -> None:
        if receipts:
            await run_one(self._servers, self._stream, "XACK", self._stream, group, *receipts)

    async def progress(self) -> Progress:
        _, oldest, newest = await self._feed(b"")
        return Progress(oldest=_job(oldest), newest=_job(newest))

    async def put_aside(self, group: str, *, limit: int) -> list[Job]:
        aside = self._asides[group]
        found = await run_one(self._servers, aside, "XREVRANGE", aside, "+", "-", "COUNT", limit)
        return [_decoder.decode(job) for _, (_, job) in found]

    async def standings(self) -> list[Standing]:
        streams = (self._stream, *self._asides.values())
        length, *kept = await self._servers.run([Request(key, ("XLEN", key)) for key in streams])
        known = await self._known_groups() if length else {}
        return [
            Standing(
                group=group, waiting=_waiting(known.get(group.encode()), length), put_aside=put
            )
            for group, put in zip(self._asides, kept, strict=True)
        ]

    async def _known_groups(self) -> dict[bytes, dict[bytes, Reply]]:
        found = await run_one(self._servers, self._stream, "XINFO", "GROUPS", self._stream)
        return {group[b"name"]: group for group in found}

    async def ping(self) -> None:
        await run_one(self._servers, self._stream, "PING")

    async def _feed(self, after: bytes, *parts: Argument) -> tuple[bytes, bytes, bytes]:
        groups = tuple(self._asides)
        verdict, oldest, newest = await _FEED.run(
            self._servers,
            (self._stream,),
            *(after, self._max_jobs, len(groups), *groups, *parts),
        )
        return verdict, oldest, newest


def _waiting(group: Mapping[bytes, Reply] | None, length: int) -> int:
    """What a group has not finished, of a stream; all of it if Redis cannot tell."""
    if group is None or group[b"lag"] is None:
        return length
    return int(group[b"pending"] + group[b"lag"])


def _job(body: bytes) -> Job | None:
    return _decoder.decode(body) if body else None
