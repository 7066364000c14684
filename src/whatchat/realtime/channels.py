"""Which of the broker's channels this pod needs, and which are in force."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from whatchat.domain.errors import ChatError
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

K = TypeVar("K")

Change = Callable[[Sequence[K]], Awaitable[None]]


class Channels(Generic[K]):
    """Keeps subscriptions in step with what is wanted.

    Broker calls never overlap, so that a subscription given up and wanted again in the
    same moment ends up in force. What many connections want at once goes out as one batch.
    """

    def __init__(self, subscribe: Change[K], unsubscribe: Change[K], tasks: Tasks) -> None:
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe
        self._tasks = tasks
        self._lock = asyncio.Lock()
        self._wanted: set[K] = set()
        self._missing: set[K] = set()
        self._active: set[K] = set()
        self._stale: set[K] = set()
        self._tidying = False

    def want(self, key: K) -> None:
        """Have it subscribed by the next :meth:`settle`."""
        self._wanted.add(key)
        self._stale.discard(key)
        if key not in self._active:
            self._missing.add(key)

    def drop(self, key: K) -> None:
        """Have it unsubscribed in good time."""
        self._wanted.discard(key)
        self._missing.discard(key)
        if key in self._active:
            self._stale.add(key)
            self._tidy_soon()

    def in_force(self, key: K) -> bool:
        """Whether it is subscribed and wanted."""
        return key in self._active and key in self._wanted

    async def settle(self) -> None:
        """Return once all that was wanted at the call is in force, or raise ``Unavailable``."""
        if not (self._missing or self._lock.locked()):
            return
        async with self._lock:
            while self._missing:
                await self._join(set(self._missing))

    async def _join(self, batch: set[K]) -> None:
        self._missing -= batch
        try:
            await self._subscribe(tuple(batch))
        except BaseException:
            self._missing |= batch & self._wanted
            raise
        self._active |= batch
        self._missing -= batch
        if gone := batch - self._wanted:
            self._stale |= gone
            self._tidy_soon()

    def _tidy_soon(self) -> None:
        if not self._tidying:
            self._tidying = True
            self._tasks.spawn(self._tidy(), name="unsubscribe")

    async def _tidy(self) -> None:
        async with self._lock:
            self._tidying = False
            batch, self._stale = self._stale, set()
            self._active -= batch
            try:
                await self._unsubscribe(tuple(batch))
            except ChatError as error:
                # Hearing too much does no harm; the next change tries again.
                log.warning("unsubscribing failed", error=error.text)
                self._active |= batch - self._missing
                self._stale |= batch - self._wanted
