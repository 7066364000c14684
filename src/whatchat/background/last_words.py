"""What a pod that died has written and may not have announced."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from time import monotonic
from typing import Final

import structlog

from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.store import Lease, Store
from whatchat.domain.ports.work_queue import Assignment, WorkQueue
from whatchat.observability.metrics import Metrics

log = structlog.get_logger("whatchat.last_words")

GROUP: Final = "last-words"

POD_LEASES: Final = "pod/"
"""What the names of pods' leases begin with; the pod's own name follows."""

OUTLIVED: Final = timedelta(seconds=8)
"""A lease that lasts so much beyond an entry's time was renewed when that was long stored.

Without the lease's own 3 s, and 1 s for times that are told to the second, that is 4 s later:
as long as a link to the broker may be silent before it counts as broken. Other waits are not in
it: the append's for a majority, what is read to make the announcement, a room that stays dirty
while the broker is away. What a pod still owes then, when it dies, comes when the others compare
heads, within 30 s.
"""

CLAIM_SECONDS: Final = 10.0
"""So long another worker waits for one that may have died."""

KEEP_SECONDS: Final = 2.0
"""How often that is put off for what is in hand, which it is for 6 s or so; longer if, after a
failover, the clock that leases are renewed by is behind the one that entries were stamped by."""

ROUND_SECONDS: Final = 0.5
MAX_IN_HAND: Final = 20_000
BATCH: Final = 1_000
AT_ONCE: Final = 16
ATTEMPTS: Final = 3
ATTEMPT_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.5

Tell = Callable[[RoomId, Rev], Awaitable[None]]
Hand = dict[str, Assignment]


class LastWords:
    """Announces again what pods wrote that died soon after.

    Each entry is in hand until the lease of the pod that wrote it has outlived it, or was
    given up: then the pod has told of it or will, as far as ``OUTLIVED`` can say. If the lease
    ends instead, ``tell`` has all that came into the room from that entry on announced. Members
    who have heard it notice nothing. A room that cannot be announced is left to the queue after
    ``ATTEMPTS``; no other waits for it.
    """

    name = GROUP

    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        tell: Tell,
        worker: str,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._queue = queue
        self._tell = tell
        self._worker = worker
        self._metrics = metrics
        self._clock = clock
        self._next_keep = 0.0
        self._hand: Hand = {}
        self._telling: dict[RoomId, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def busy(self) -> bool:
        return bool(self._hand)

    async def step(self, *, more: bool) -> float:
        await self._keep()
        # Without the store nothing is taken, so that no attempts are used up.
        leases = {lease.name: lease for lease in await self._store.leases(POD_LEASES)}
        for room_id, hand in self._of_the_dead(leases).items():
            self._telling[room_id] = asyncio.create_task(
                self._announce(room_id, hand), name="last-words"
            )
        await self._finish([one for one, what in self._hand.items() if _is_over(what, leases)])
        # Last: the pods of new jobs may be younger than the leases, and would count as ended.
        if more:
            await self._take()
        return ROUND_SECONDS

    async def close(self) -> None:
        """Tell no more."""
        telling = list(self._telling.values())
        for task in telling:
            task.cancel()
        await asyncio.gather(*telling, return_exceptions=True)

    async def _keep(self) -> None:
        """See to it that no other worker takes for left what is in hand here."""
        if (now := self._clock()) < self._next_keep:
            return
        for receipts in batches(list(self._hand), BATCH):
            await self._queue.keep(GROUP, self._worker, receipts)
        self._next_keep = now + KEEP_SECONDS

    async def _take(self) -> None:
        while len(self._hand) < MAX_IN_HAND:
            taken = await self._queue.take(GROUP, self._worker, limit=BATCH)
            self._hand.update((assignment.receipt, assignment) for assignment in taken)
            if len(taken) < BATCH:
                return

    def _of_the_dead(self, leases: Mapping[str, Lease]) -> Mapping[RoomId, Hand]:
        """What is to be announced, by room, but for rooms that are being announced."""
        rooms: dict[RoomId, Hand] = defaultdict(dict)
        for receipt, assignment in self._hand.items():
            lease = leases.get(POD_LEASES + assignment.job.pod)
            if lease and lease.ended and assignment.job.room_id not in self._telling:
                rooms[assignment.job.room_id][receipt] = assignment
        return rooms

    async def _announce(self, room_id: RoomId, hand: Hand) -> None:
        first = min(assignment.job.rev for assignment in hand.values())
        try:
            async with self._turns:
                await self._try_to_tell(room_id, Rev(first - 1))
            await self._finish(list(hand))
            log.info("a dead pod's last writes are announced", entries=len(hand))
        except (ChatError, TimeoutError) as error:
            log.warning("a dead pod's last writes are still to be announced", error=repr(error))
        except Exception:
            log.exception("a dead pod's last writes cannot be announced")
        finally:
            del self._telling[room_id]
            for receipt in hand:
                self._hand.pop(receipt, None)

    async def _try_to_tell(self, room_id: RoomId, told: Rev) -> None:
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(ChatError, TimeoutError):
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    return await self._tell(room_id, told)
            await asyncio.sleep(RETRY_SECONDS)
        async with asyncio.timeout(ATTEMPT_SECONDS):
            return await self._tell(room_id, told)

    async def _finish(self, receipts: Sequence[str]) -> None:
        await self._queue.done(GROUP, receipts)
        for receipt in receipts:
            self._hand.pop(receipt, None)
        self._metrics.work_done.labels(GROUP).inc(len(receipts))


def _is_over(assignment: Assignment, leases: Mapping[str, Lease]) -> bool:
    """Whether the pod was alive after it had announced this, or left nothing behind."""
    lease = leases.get(POD_LEASES + assignment.job.pod)
    if lease is None:
        return True
    return not lease.ended and lease.until >= assignment.job.stored_at + OUTLIVED
