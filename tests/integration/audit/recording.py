"""Pods that record without end, and what must have become of that."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.told import Told
from tests.waiting import until
from whatchat.audit.evidence import Evidence
from whatchat.audit.heads import HeadKey, publics
from whatchat.audit.trail import Trail
from whatchat.audit.verifying import Verdict, Verifier
from whatchat.domain.audit import Act, Party
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import UserId
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.observability.metrics import Metrics

EVERYTHING = 1_000_000
PAUSE_SECONDS = 0.1
AT_ONCE = 10
ADA = Party(role="user", user_id=UserId("ada"))


class Recording:
    """One pod's trail: what it was told, what was answered for, and what was not in time.

    ``longest`` is how many seconds anybody had to wait.
    """

    def __init__(self, store: Store, pod: str) -> None:
        self.trail = Trail(pod, store.audit, Metrics())
        self.told = Told(self.trail)
        self.answered = 0
        self.refused = 0
        self.longest = 0.0

    async def record(self, count: int = 1) -> None:
        """Record so many acts at once, as a command does."""
        act, began = Act(kind="user.blocked", user_id=UserId("eve")), time.monotonic()
        try:
            await self.trail.record(ADA, *[act] * count)
        except Unavailable:
            self.refused += 1
        else:
            self.answered += 1
        finally:
            self.longest = max(self.longest, time.monotonic() - began)

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            await asyncio.gather(*(self.record() for _ in range(AT_ONCE)))
            await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def recording(store: Store) -> AsyncIterator[Sequence[Recording]]:
    """Two pods at work; afterwards everything that they were told is durable."""
    running = [Recording(store, f"pod-{number}") for number in range(2)]
    tasks = [asyncio.create_task(one.run()) for one in running]
    try:
        yield running
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for one in running:
            await one.trail.stop()


def told(pods: Sequence[Recording]) -> list[str]:
    """The ids of all records that were made."""
    return [record.id for one in pods for record in one.told.records]


async def sealed(store: Store) -> list[str]:
    """The ids in the chain, in its order."""
    return [one.record_id for one in await store.audit.read(after=0, limit=EVERYTHING)]


async def all_sealed(store: Store, *, seconds: float) -> None:
    """Return once nothing waits; fail if something does for longer."""

    async def is_done() -> bool:
        return not await store.audit.pending(limit=1)

    await until(is_done, seconds=seconds)


async def assert_each_once(store: Store, ids: Sequence[str]) -> None:
    """Exactly these are in the chain, without a hole."""
    counts = Counter(await sealed(store))
    assert [one for one in ids if not counts[one]] == [], "lost"
    assert [one for one, count in counts.items() if count > 1] == [], "doubled"
    assert counts.keys() == set(ids)
    last = await store.audit.last()
    assert last is not None
    assert last.seq == len(ids)


async def verified(store: Store, secret: str, *heads: Path) -> Verdict:
    """What ``whatchat audit verify --heads`` finds."""
    evidence = Evidence(publics([HeadKey.derived_from(secret.encode())]))
    for path in heads:
        evidence.read(path.read_bytes().splitlines(), str(path))
    return await Verifier(store.audit, evidence, utc_now()).verify()
