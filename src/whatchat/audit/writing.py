"""Records on their way into the store."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Final, NamedTuple

import structlog

from whatchat.domain.errors import ChatError
from whatchat.domain.ports.audit_store import AuditStore, Pending
from whatchat.domain.tasks import ended

MAX_WAITING: Final = 10_000
MAX_GROUP: Final = 500
WRITE_SECONDS: Final = 6.0
"""A little longer than the stores give themselves."""

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
FLUSH_SECONDS: Final = 5.0

log = structlog.get_logger("whatchat.audit")


class _Waiting(NamedTuple):
    records: Sequence[Pending]
    written: "asyncio.Future[None]"


class Writing:
    """Writes in the order of asking; what queues up behind a write shares the next.

    A write is repeated until the store has taken it. ``on_written`` is called after each.
    """

    def __init__(self, store: AuditStore, on_written: Callable[[], None]) -> None:
        self._store = store
        self._on_written = on_written
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self.count = 0

    def has_room(self, count: int) -> bool:
        """Whether so many more may wait: at most ``MAX_WAITING`` do, none after the end."""
        return not self._is_closed and self.count + count <= MAX_WAITING

    def put(self, records: Sequence[Pending]) -> "asyncio.Future[None]":
        """Queue records for which there is room; done once they are durable."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(records, written))
        self.count += len(records)
        if self._task is None:
            # In a context of its own: the deadline of whoever came first is not all the others'.
            self._task = asyncio.create_task(self._run(), name="audit-writing", context=Context())
        return written

    async def close(self) -> None:
        """Write what waits, for ``FLUSH_SECONDS`` at most; from here on there is no room."""
        self._is_closed = True
        if (task := self._task) is None:
            return
        await asyncio.wait([task], timeout=FLUSH_SECONDS)
        if not task.done():
            log.error("audit records are lost: the store did not take them", records=self.count)
            await ended(task)

    async def _run(self) -> None:
        try:
            while self._waiting:
                group = self._next_group()
                records = [record for one in group for record in one.records]
                await self._write(records)
                self.count -= len(records)
                for one in group:
                    if not one.written.done():
                        one.written.set_result(None)
                self._on_written()
        finally:
            self._task = None

    def _next_group(self) -> list[_Waiting]:
        group, size = [self._waiting.popleft()], 0
        size += len(group[0].records)
        while self._waiting and size + len(self._waiting[0].records) <= MAX_GROUP:
            size += len(self._waiting[0].records)
            group.append(self._waiting.popleft())
        return group

    async def _write(self, records: Sequence[Pending]) -> None:
        pause, complained = FIRST_PAUSE_SECONDS, False
        while not await self._has_written(records, complains=not complained):
            complained = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        if complained:
            log.info("audit records are written again")

    async def _has_written(self, records: Sequence[Pending], *, complains: bool) -> bool:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._store.add(records)
        except (ChatError, TimeoutError) as error:
            if complains:
                log.warning("audit records cannot be written; trying again", error=repr(error))
            return False
        except Exception:
            if complains:
                log.exception("audit records cannot be written; trying again")
            return False
        return True
