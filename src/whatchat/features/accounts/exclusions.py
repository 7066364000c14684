"""Who is banned, and who was signed out everywhere, on any pod."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from whatchat.domain.ids import UserId
from whatchat.domain.listeners import Listeners
from whatchat.domain.polling import OVERLAP, POLL_SECONDS, Polling
from whatchat.domain.ports.account_store import AccountStore, Exclusion

DEADLINE_SECONDS: Final = 5.0


class Exclusions:
    """The bans in force, and when people were last signed out by others than themselves.

    The store tells: it is asked at the start and then each second, so an exclusion made
    anywhere is in force here within two seconds; one of which :meth:`take` is told, at once.
    A failed poll is logged and made up for by the next. All there are are held in memory,
    some 300 bytes each. Listeners hear once of each that puts somebody out.
    """

    def __init__(self, accounts: AccountStore, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._accounts = accounts
        self._known: dict[UserId, Exclusion] = {}
        self._listeners = Listeners[Exclusion]("an exclusion")
        self._since: datetime | None = None
        self._polling = Polling("exclusions", self._poll, seconds=poll_seconds)

    def __contains__(self, user_id: UserId) -> bool:
        """Whether the user is banned."""
        known = self._known.get(user_id)
        return known is not None and known.is_banned

    def void(self, user_id: UserId, issued: float) -> bool:
        """Whether what another issuer gave the user at ``issued``, since 1970, counts no more."""
        known = self._known.get(user_id)
        return known is not None and known.voids(issued)

    def listen(self, notify: Callable[[Exclusion], None]) -> None:
        """Name what is called, on the event loop, with what puts a user out."""
        self._listeners.add(notify)

    def take(self, exclusion: Exclusion) -> None:
        """Take into account what the store already holds; harmless if that has happened."""
        known = self._known.get(exclusion.user_id)
        if known is not None and known.changed_at >= exclusion.changed_at:
            return
        self._known[exclusion.user_id] = exclusion
        if known is None or known.signed_out_at < exclusion.signed_out_at:
            self._listeners.tell(exclusion)

    async def start(self) -> None:
        """Learn who is excluded, then keep asking; raises if the store cannot be asked."""
        await self._polling.start()

    async def stop(self) -> None:
        """Stop asking."""
        await self._polling.stop()

    async def _poll(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            found = await self._accounts.excluded_since(self._since)
        for exclusion in found.changes:
            self.take(exclusion)
        self._since = found.read_at - OVERLAP
