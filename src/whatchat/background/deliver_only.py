"""What was to be delivered and not kept is given up once every device has it."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from whatchat.domain.batches import batches
from whatchat.domain.delivery import Delivered
from whatchat.domain.ids import MAX_REV, RoomId, Seq
from whatchat.domain.ports.message_store import MessageKey
from whatchat.domain.ports.retention_store import Undelivered
from whatchat.domain.ports.store import Store
from whatchat.domain.times import Clock, utc_now
from whatchat.observability.metrics import Metrics

NAME: Final = "deliver-only"
LEASE_SECONDS: Final = 5
ROUND_SECONDS: Final = 1.0
BATCH: Final = 200
ROOMS_AT_ONCE: Final = 16

SEEN_WITHIN: Final = timedelta(days=30)
"""A device that was not seen for so long holds nothing up."""


class DeliverOnly:
    """Goes round by all messages that are waiting, some each second.

    In a room where devices are behind, those that these lack are passed over at once. One of
    all workers does it, by a lease; should two, nothing comes of it.
    """

    name = NAME
    busy = False  # what it does not get to is found again

    def __init__(
        self, store: Store, worker: str, metrics: Metrics, *, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._worker = worker
        self._metrics = metrics
        self._clock = clock
        self._after: MessageKey | None = None

    async def step(self, *, more: bool) -> float:
        if not more or not await self._store.acquire(NAME, self._worker, seconds=LEASE_SECONDS):
            return ROUND_SECONDS
        found = await self._store.retention.undelivered(after=self._after, limit=BATCH)
        rooms: dict[RoomId, list[Undelivered]] = defaultdict(list)
        for one in found:
            rooms[one.room_id].append(one)
        delivered: list[Undelivered] = []
        for some in batches(list(rooms.values()), ROOMS_AT_ONCE):
            for those in await asyncio.gather(*map(self._delivered, some)):
                delivered += those
        if delivered:
            await self._store.retention.give_up(delivered, self._clock())
        self._metrics.work_done.labels(NAME).inc(len(delivered))
        self._after = _next(found, delivered) if len(found) == BATCH else None
        return ROUND_SECONDS

    async def close(self) -> None:
        """Leave it to others, at once."""
        await self._store.release(NAME, self._worker)

    async def _delivered(self, messages: Sequence[Undelivered]) -> list[Undelivered]:
        """Those of a room's messages that every device has."""
        now = self._clock()
        reaches = await self._store.retention.reaches(
            messages[0].room_id, now=now, since=now - SEEN_WITHIN
        )
        devices = Delivered(reaches)
        return [one for one in messages if devices.has(one.content_rev, one.sender_id)]


def _next(found: Sequence[Undelivered], delivered: Sequence[Undelivered]) -> MessageKey:
    """Where to go on: in the next room, if this one's devices are not that far."""
    last = found[-1]
    is_behind = last not in delivered and last.content_rev <= last.seq
    return last.room_id, Seq(MAX_REV) if is_behind else last.seq
