"""A store of the audit log in memory, which may be away or slow."""

import asyncio
from collections.abc import Sequence

from whatchat.audit.trail import Trail
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed
from whatchat.observability.metrics import Metrics


class AuditStoreAtWill:
    """Plays ``AuditStore``; it takes nothing while ``taking`` is not set."""

    def __init__(self) -> None:
        self.taking = asyncio.Event()
        self.taking.set()
        self.is_away = False
        self.begun = 0
        self.writes: list[list[Pending]] = []
        self.chain: list[Sealed] = []
        self.signed: list[KeptHead] = []

    @property
    def added(self) -> list[Pending]:
        """All that was added, in order."""
        return [one for write in self.writes for one in write]

    async def add(self, records: Sequence[Pending]) -> None:
        self.begun += 1
        await self.taking.wait()
        if self.is_away:
            raise Unavailable
        self.writes.append(list(records))

    async def pending(self, *, limit: int) -> list[Pending]:
        sealed = {one.record_id for one in self.chain}
        return [one for one in self.added if one.record_id not in sealed][:limit]

    async def last(self) -> Sealed | None:
        return self.chain[-1] if self.chain else None

    async def seal(self, records: Sequence[Sealed]) -> bool:
        self.chain += records
        return True

    async def read(self, *, after: int, limit: int) -> list[Sealed]:
        return [one for one in self.chain if one.seq > after][:limit]

    async def sign(self, head: KeptHead) -> None:
        self.signed.append(head)

    async def heads(self, *, after: int, limit: int) -> list[KeptHead]:
        return [one for one in self.signed if one.seq > after][:limit]


def trail_into_memory() -> Trail:
    """A trail for what only listens to it."""
    return Trail("pod", AuditStoreAtWill(), Metrics())
