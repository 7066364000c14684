"""Which sign-ins have been revoked, as far as access tokens can still name them."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from whatchat.domain.ids import GrantId
from whatchat.domain.listeners import Listeners
from whatchat.domain.polling import OVERLAP, POLL_SECONDS, Polling
from whatchat.domain.ports.account_store import AccountStore
from whatchat.features.accounts.access_tokens import LIFETIME_SECONDS

DEADLINE_SECONDS: Final = 5.0

KEPT_SECONDS: Final = LIFETIME_SECONDS + 4_500
"""A token's life, and more than the pods' clocks may differ: an hour and a quarter.

A pod whose clock is behind takes a token for that much longer.
"""


class Revocations:
    """The grants revoked lately, on any pod.

    The store tells: it is asked at the start and then each second, so a revocation made
    anywhere is in force here within two seconds; one made through :meth:`revoke` at once.
    A failed poll is logged and made up for by the next. Listeners hear of each grant once.
    """

    def __init__(self, accounts: AccountStore, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._accounts = accounts
        self._forget_at: dict[GrantId, float] = {}
        self._listeners = Listeners[GrantId]("a revocation")
        self._since: datetime | None = None
        self._polling = Polling("revocations", self._poll, seconds=poll_seconds)

    def __contains__(self, grant_id: GrantId) -> bool:
        return grant_id in self._forget_at

    def listen(self, notify: Callable[[GrantId], None]) -> None:
        """Name what is called, on the event loop, with each grant that is revoked."""
        self._listeners.add(notify)

    def revoke(self, grant_ids: Iterable[GrantId]) -> None:
        """Take revocations into account that the store already holds."""
        now = asyncio.get_running_loop().time()
        new = [grant_id for grant_id in grant_ids if grant_id not in self._forget_at]
        self._forget_at.update(dict.fromkeys(new, now + KEPT_SECONDS))
        for grant_id in new:
            self._listeners.tell(grant_id)

    async def start(self) -> None:
        """Learn what is revoked, then keep asking; raises if the store cannot be asked."""
        await self._polling.start()

    async def stop(self) -> None:
        """Stop asking."""
        await self._polling.stop()

    async def _poll(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            revoked = await self._accounts.revoked_since(self._since)
        self.revoke(revoked.grant_ids)
        self._since = revoked.read_at - OVERLAP
        self._forget()

    def _forget(self) -> None:
        """Drop those whose tokens have all expired; the dictionary is in order of time."""
        now = asyncio.get_running_loop().time()
        while self._forget_at:
            oldest = next(iter(self._forget_at))
            if self._forget_at[oldest] > now:
                return
            del self._forget_at[oldest]
