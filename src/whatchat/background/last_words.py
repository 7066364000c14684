"""What a pod that died has written and may not have announced."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

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
"""A lease that lasts so much longer than an entry is old was renewed after it was announced.

That is the lease's 3 s, the 4 s that the broker may keep a pod waiting, and 1 s for times that are
told to the second.
"""

CLAIM_SECONDS: Final = 10.0
"""So long another worker waits for one that may have died; a job is in hand for 6 s or so."""

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
    given up: then the pod has told of it or will. If the lease ends instead, ``tell`` has all
    that came into the room from that entry on announced. Members who have heard it notice
    nothing. A room that cannot be announced is left to the queue after ``ATTEMPTS``; no other
    waits for it.
    """

    name = GROUP

    def __init__(
        self, store: Store, queue: WorkQueue, tell: Tell, worker: str, metrics: Metrics
    ) -> None:
        self._store = store
        self._queue = queue
        self._tell = tell
        self._worker = worker
        self._metrics = metrics
        self._hand: Hand = {}
        self._telling: dict[RoomId, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def busy(self) -> bool:
        return bool(self._hand)

    async def step(self, *, more: bool) -> float:
        # Asked first: without the store nothing is taken, so that no attempts are used up.
        leases = {lease.name: lease for lease in await self._store.leases(POD_LEASES)}
        if more:
            await self._take()
        for room_id, hand in self._of_the_dead(leases).items():
            self._telling[room_id] = asyncio.create_task(
                self._announce(room_id, hand), name="last-words"
            )
        await self._finish([one for one, what in self._hand.items() if _is_over(what, leases)])
        return ROUND_SECONDS

    async def close(self) -> None:
        """Tell no more."""
        telling = list(self._telling.values())
        for task in telling:
            task.cancel()
        await asyncio.gather(*telling, return_exceptions=True)

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
