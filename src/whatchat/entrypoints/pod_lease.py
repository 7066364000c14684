"""A pod's right to work on its store."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.store import Store

SOLE_POD: Final = "pod"
"""The lease of a pod that has its store for itself."""

LEASE_SECONDS: Final = 3
RENEWAL_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = LEASE_SECONDS + 1.0
RETRY_SECONDS: Final = 0.2

log = structlog.get_logger("whatchat.lease")


class PodLease:
    """Held by one pod at a time, by the store's clock; ends by itself when its pod dies.

    ``lease`` is its name, ``patience_seconds`` how long to wait for a holder that may have
    died.
    """

    def __init__(
        self,
        store: Store,
        holder: str,
        *,
        lease: str = SOLE_POD,
        patience_seconds: float | None = None,
    ) -> None:
        self._store = store
        self._holder = holder
        self._name = lease
        self._is_left = False
        self._patience_seconds = PATIENCE_SECONDS if patience_seconds is None else patience_seconds

    async def acquire(self) -> bool:
        """Take the lease; false if another pod keeps renewing it."""
        return await self._within_patience(self._take)

    async def is_without(self, others: str) -> bool:
        """Whether no lease is held that is named so, or begins so if that ends with a slash."""

        async def none_held() -> bool:
            found = [lease for lease in await self._store.leases(others) if not lease.ended]
            return not any(lease.name == others or others.endswith("/") for lease in found)

        return await self._within_patience(none_held)

    async def keep(self, on_lost: Callable[[], None]) -> None:
        """Renew until cancelled, or until another pod has it: then call ``on_lost`` and end."""
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            try:
                if not await self._take():
                    log.error("another pod has taken over this store")
                    return on_lost()
            except Unavailable:
                log.warning("the store does not renew this pod's lease")

    def leave(self) -> None:
        """Have it end by itself, as if the pod had died: there is something left for others."""
        self._is_left = True

    async def release(self) -> None:
        """Let the next pod in at once."""
        if self._is_left:
            return
        try:
            await self._store.release(self._name, self._holder)
        except Unavailable:
            log.warning("the lease was not given up; it ends by itself")

    async def _within_patience(self, condition: Callable[[], Awaitable[bool]]) -> bool:
        for _ in range(round(self._patience_seconds / RETRY_SECONDS)):
            if await condition():
                return True
            await asyncio.sleep(RETRY_SECONDS)
        return await condition()

    async def _take(self) -> bool:
        return await self._store.acquire(self._name, self._holder, seconds=LEASE_SECONDS)
