"""Messages whose time is over are erased."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import structlog

from whatchat.domain.actor import Actor
from whatchat.domain.batches import batches
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import ClientId, DeviceId, GrantId, RoomId, Seq
from whatchat.domain.log import MessageExpired
from whatchat.domain.ports.retention_store import Expired
from whatchat.domain.ports.room_log import Proposal, RoomLog, Rule
from whatchat.domain.ports.store import Store
from whatchat.domain.room_state import RoomState
from whatchat.domain.times import Clock, utc_now
from whatchat.observability.metrics import Metrics

log = structlog.get_logger("whatchat.expiry")

NAME: Final = "expiry"
LEASE_SECONDS: Final = 5
ROUND_SECONDS: Final = 1.0
BATCH: Final = 500
ROOMS_AT_ONCE: Final = 16
PROPOSED_AT_ONCE: Final = 64
"""So many in one room: people who write there wait behind no more than these."""


class Expiry:
    """Erases them through the room log, the earliest first, so that every client learns of it.

    Nobody is shown them by then: the message store sees to that. One of all workers does it,
    by a lease; should two, the log takes each erasure once. A room that fails is passed over
    until the next round.
    """

    name = NAME
    busy = False  # what it does not get to is found again

    def __init__(
        self,
        store: Store,
        room_log: RoomLog,
        worker: str,
        metrics: Metrics,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._room_log = room_log
        self._worker = worker
        self._metrics = metrics
        self._clock = clock
        self._after: Expired | None = None

    async def step(self, *, more: bool) -> float:
        if not more or not await self._store.acquire(NAME, self._worker, seconds=LEASE_SECONDS):
            return ROUND_SECONDS
        found = await self._store.retention.expired(self._clock(), after=self._after, limit=BATCH)
        self._after = found[-1] if len(found) == BATCH else None
        await self._erase(found)
        return 0 if self._after else ROUND_SECONDS

    async def close(self) -> None:
        """Leave it to others, at once."""
        await self._store.release(NAME, self._worker)

    async def _erase(self, found: Sequence[Expired]) -> None:
        """Erase these, many rooms side by side. Raises ``Unavailable`` if none could be."""
        rooms: dict[RoomId, list[Expired]] = defaultdict(list)
        for one in found:
            rooms[one.room_id].append(one)
        failed = 0
        for some in batches(list(rooms.values()), ROOMS_AT_ONCE):
            failed += sum(await asyncio.gather(*map(self._erase_in_room, some)))
        self._metrics.work_done.labels(NAME).inc(len(found) - failed)
        if failed:
            log.warning("messages whose time is over are still to be erased", messages=failed)
        if found and failed == len(found):
            raise Unavailable

    async def _erase_in_room(self, found: Sequence[Expired]) -> int:
        """How many could not be erased."""
        failed = 0
        for some in batches(found, PROPOSED_AT_ONCE):
            changes = (self._room_log.change(one.room_id, _proposal(one)) for one in some)
            outcomes = await asyncio.gather(*changes, return_exceptions=True)
            failed += sum(isinstance(outcome, BaseException) for outcome in outcomes)
        return failed


def _proposal(expired: Expired) -> Proposal:
    """In the name of whoever wrote it, under an id that no client can have taken."""
    sender = Actor(
        user_id=expired.sender_id,
        device_id=DeviceId(""),
        grant_id=GrantId(""),
        expires_at=0,
        address="",
    )
    return Proposal(
        actor=sender,
        client_id=ClientId(f"expired:{expired.seq}"),
        body=b"expired",
        rule=_expiring(expired.seq),
        target=expired.seq,
    )


def _expiring(seq: Seq) -> Rule:
    """What is over is shown as deleted at its end; what was deleted before is erased already."""

    def rule(state: RoomState) -> MessageExpired | None:
        message = state.messages.get(seq)
        if message is None or message.deleted_at is None:
            return None
        return MessageExpired(seq=seq) if message.deleted_at == message.expires_at else None

    return rule
