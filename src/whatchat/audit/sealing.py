"""Records are chained, and the chain's heads signed."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

import structlog

from whatchat.audit.chain import chained
from whatchat.audit.handing_out import HandingOut
from whatchat.audit.heads import Head, HeadKey
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed
from whatchat.domain.ports.store import Store
from whatchat.domain.times import Clock, utc_now
from whatchat.observability.metrics import Metrics

log = structlog.get_logger("whatchat.audit")

NAME: Final = "audit-sealing"
LEASE_SECONDS: Final = 5
ROUND_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 0.1
BATCH: Final = 500
CLOSE_SECONDS: Final = 4.0


class Sealing:
    """Seals what waits, every ``ROUND_SECONDS`` while anything does, and signs heads.

    The first head is signed at once, others ``head_seconds`` apart if anything was sealed, and
    one at the end. Without a ``key`` there are none. One of all workers does it, by a lease;
    should two, the store takes each record, and each place in the chain, once.
    """

    name = NAME
    busy = False  # what it does not get to is found again

    def __init__(
        self,
        store: Store,
        worker: str,
        metrics: Metrics,
        key: HeadKey | None,
        outside: HandingOut,
        *,
        head_seconds: float,
        clock: Clock = utc_now,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._audit = store.audit
        self._worker = worker
        self._metrics = metrics
        self._key = key
        self._outside = outside
        self._head_seconds = head_seconds
        self._clock = clock
        self._timer = timer
        self._last: Sealed | None = None
        self._knows_end = False
        self._has_warned = False
        self._head: Head | None = None
        self._signed_seq = 0
        self._next_head = 0.0

    async def step(self, *, more: bool) -> float:
        if not more:
            return ROUND_SECONDS
        waiting = await self._audit.pending(limit=BATCH)
        is_due = self._key is not None and self._timer() >= self._next_head
        has_news = not self._knows_end or (self._last is not None and not self._is_signed)
        if not waiting and not (is_due and has_news):
            return ROUND_SECONDS
        if not await self._store.acquire(NAME, self._worker, seconds=LEASE_SECONDS):
            self._knows_end = False
            return ROUND_SECONDS
        if not self._knows_end:
            await self._find_the_end()
        if waiting and not await self._has_sealed(waiting):
            return RETRY_SECONDS
        if is_due:
            await self._sign()
        return 0 if len(waiting) == BATCH else ROUND_SECONDS

    async def close(self) -> None:
        """Seal and sign what there is, unless another does, and leave it to others."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                pause = 0.0
                while pause < ROUND_SECONDS:
                    self._next_head = 0.0
                    pause = await self.step(more=True)
        except (Unavailable, TimeoutError) as error:
            log.warning("records are left to be sealed", error=repr(error))
        await self._store.release(NAME, self._worker)

    async def _has_sealed(self, waiting: Sequence[Pending]) -> bool:
        """Whether these are in the chain now; if not, it ends elsewhere than was known."""
        if self._key is None and not self._has_warned:
            log.warning("heads of the audit log are not signed: WHATCHAT_AUDIT_KEY_FILE is not set")
            self._has_warned = True
        new = chained(waiting, self._last)
        self._knows_end = False  # an outcome may stay unknown
        if not await self._audit.seal(new):
            return False
        self._last, self._knows_end = new[-1], True
        self._metrics.work_done.labels(NAME).inc(len(new))
        return True

    @property
    def _is_signed(self) -> bool:
        return self._last is not None and self._last.seq == self._signed_seq

    async def _find_the_end(self) -> None:
        """Where the chain ends, and whether that was signed; that it was longer is an alarm."""
        known, self._last = self._last, await self._audit.last()
        self._knows_end = True
        seq = self._last.seq if self._last else 0
        if known is not None and known.seq > seq:
            self._metrics.audit_chain_broken.set(1)
            log.error("the audit log was cut: more had been sealed", seq=known.seq, of=seq)
        for kept in await self._audit.heads(after=seq - 1, limit=2):
            if kept.seq == seq:
                self._signed_seq = seq
            elif not await self._reaches(kept.seq):
                self._metrics.audit_chain_broken.set(1)
                log.error("the audit log was cut: a head is signed for more", seq=kept.seq, of=seq)

    async def _reaches(self, seq: int) -> bool:
        """Whether the chain is so long by now: another may have gone on with it meanwhile."""
        last = await self._audit.last()
        return last is not None and last.seq >= seq

    async def _sign(self) -> None:
        last = self._last
        if self._key is None or last is None or self._is_signed:
            return
        if self._head is None or self._head.digest != last.digest.hex():
            # Outside first: nobody can take it back there.
            self._head = self._key.sign(last, self._clock())
            await self._outside.hand_out(self._head)
        await self._audit.sign(KeptHead(seq=last.seq, head=self._head.encode()))
        self._signed_seq = last.seq
        self._next_head = self._timer() + self._head_seconds
