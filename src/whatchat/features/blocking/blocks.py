"""The blocks around people, from memory."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from whatchat.domain.ids import UserId
from whatchat.domain.listeners import Listeners
from whatchat.domain.polling import OVERLAP, POLL_SECONDS, Polling
from whatchat.domain.ports.block_store import BlockChange, BlockStore
from whatchat.domain.ports.blocks import Blocked, BlockListener
from whatchat.domain.remembering import Remembered

MAX_WEIGHT: Final = 500_000
"""How many blocks are remembered: some 50 MB of them."""

WEIGHT_OF_A_PERSON: Final = 4
MAX_AGE_SECONDS: Final = 300.0
DEADLINE_SECONDS: Final = 5.0

LONGEST_GAP: Final = timedelta(hours=1)
"""Half of the time for which the store says what changed."""

NOBODY: Final = Blocked()


class CachedBlocks:
    """Implements ``Blocks``: the people asked about last.

    The store tells what changed: it is asked at the start and then each second, so a block
    made anywhere is in force here within two seconds; one of which :meth:`take` is told, at
    once. Whomever a change concerns is read again when next asked about.
    """

    def __init__(
        self,
        store: BlockStore,
        *,
        most: int = MAX_WEIGHT,
        max_age: float = MAX_AGE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._people: Remembered[UserId, Blocked] = Remembered(
            self._read, most=most, max_age=max_age, weigh=_weight, clock=clock
        )
        self._listeners = Listeners[UserId, UserId, bool]("a block")
        self._since: datetime | None = None
        self._taken: set[BlockChange] = set()
        self._polling = Polling("blocks", self._poll, seconds=poll_seconds)

    async def around(self, user_id: UserId) -> Blocked:
        return (await self._people.of((user_id,)))[user_id]

    async def around_all(self, user_ids: Iterable[UserId]) -> Mapping[UserId, Blocked]:
        return await self._people.of(user_ids)

    def listen(self, notify: BlockListener) -> None:
        self._listeners.add(notify)

    def take(self, change: BlockChange) -> None:
        """Have a change that the store holds in force here; harmless if it is."""
        if change in self._taken:
            return
        self._taken.add(change)
        self._people.forget(change.blocker_id)
        self._people.forget(change.blocked_id)
        self._listeners.tell(change.blocker_id, change.blocked_id, change.is_blocked)

    async def start(self) -> None:
        """Learn the store's time, then keep asking; raises if the store cannot be asked."""
        await self._polling.start()

    async def stop(self) -> None:
        """Stop asking, and wait for the reads that are under way."""
        await self._polling.stop()
        await self._people.close()

    async def _read(self, user_ids: Collection[UserId]) -> Mapping[UserId, Blocked]:
        found = await self._store.around(user_ids)
        return {
            user_id: around if around.blocks or around.blocked_by else NOBODY
            for user_id, around in found.items()
        }

    async def _poll(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            found = await self._store.changed_since(self._since)
        if self._since is None or found.read_at - self._since > LONGEST_GAP:
            self._people.forget_all()
        for change in found.changes:
            self.take(change)
        self._since = found.read_at - OVERLAP
        # What is older does not come again.
        self._taken = {one for one in self._taken if one.changed_at >= self._since}


def _weight(around: Blocked) -> int:
    return WEIGHT_OF_A_PERSON + len(around.blocks) + len(around.blocked_by)
