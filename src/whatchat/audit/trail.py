"""From an act to a durable record."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from whatchat.audit.chain import canonical
from whatchat.audit.merging import WINDOW_SECONDS, Merging
from whatchat.audit.writing import Writing
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import SERVER, Act, Party, Record, party
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id
from whatchat.domain.listeners import Listeners
from whatchat.domain.ports.audit_store import AuditStore, Pending
from whatchat.domain.times import Clock, utc_now
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import current_trace_id

DEADLINE_SECONDS: Final = 5.0

log = structlog.get_logger("whatchat.audit")


class Trail:
    """Implements ``AuditTrail``; to be stopped after all that may still record.

    A record that is not durable in time is written later nevertheless, as what it tells was
    done. For what there is no room, the number is recorded once there is.
    """

    def __init__(
        self,
        pod: str,
        store: AuditStore,
        metrics: Metrics,
        *,
        clock: Clock = utc_now,
        merge_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._pod = pod
        self._metrics = metrics
        self._clock = clock
        self._listeners = Listeners[Sequence[Record]]("records of the audit trail")
        self._writing = Writing(store, self._own_up)
        self._merging = Merging(self._put, seconds=merge_seconds)
        self._dropped = 0

    async def record(self, who: Actor | Visitor | Party, *acts: Act) -> None:
        if not acts:
            return
        records = [self._record(who, act) for act in acts]
        self._listeners.tell(records)
        written = self._queue(records)
        if written is None:
            raise Unavailable
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await written
        except TimeoutError:
            raise Unavailable from None

    def mention(self, who: Actor | Visitor | Party, act: Act) -> None:
        record = self._record(who, act)
        self._listeners.tell([record])
        self._merging.add(record)

    def listen(self, notify: Callable[[Sequence[Record]], None]) -> None:
        self._listeners.add(notify)

    async def stop(self) -> None:
        """Write what waits, and what was counted; nothing is recorded any more."""
        self._merging.close()
        self._own_up()
        await self._writing.close()
        if self._dropped:
            log.error("audit records were dropped", records=self._dropped)

    def _record(self, who: Actor | Visitor | Party, act: Act) -> Record:
        return Record(
            id=random_id(),
            at=self._clock(),
            pod=self._pod,
            actor=party(who),
            act=act,
            trace_id=current_trace_id(),
        )

    def _put(self, record: Record) -> None:
        self._queue([record])

    def _queue(self, records: Sequence[Record]) -> "asyncio.Future[None] | None":
        """Have records written; nothing, and they are counted, where there is no room."""
        if not self._writing.has_room(len(records)):
            lost = sum(record.act.count for record in records)
            self._dropped += lost
            self._metrics.audit_dropped.inc(lost)
            return None
        for record in records:
            self._metrics.audit_records.labels(record.act.kind).inc()
        return self._writing.put(
            [Pending(record_id=record.id, body=canonical(record)) for record in records]
        )

    def _own_up(self) -> None:
        """Record how many were dropped."""
        if self._dropped and self._writing.has_room(1):
            dropped, self._dropped = self._dropped, 0
            self._put(self._record(SERVER, Act(kind="records.dropped", count=dropped)))
