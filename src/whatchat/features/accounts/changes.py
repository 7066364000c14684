"""Whose accounts have changed lately, on any pod."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from whatchat.domain.ids import UserId
from whatchat.domain.listeners import Listeners
from whatchat.domain.polling import OVERLAP, POLL_SECONDS, Polling
from whatchat.domain.ports.account_store import AccountChange, AccountStore
from whatchat.domain.ports.user_directory import UserDirectory

DEADLINE_SECONDS: Final = 5.0


class AccountChanges:
    """Implements ``UserChanges``: the directory forgets whoever has changed.

    The store tells: it is asked at the start and then each second.
    """

    def __init__(
        self,
        accounts: AccountStore,
        directory: UserDirectory,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._accounts = accounts
        self._directory = directory
        self._listeners = Listeners[UserId]("a change of an account")
        self._since: datetime | None = None
        self._met: frozenset[AccountChange] = frozenset()
        self._polling = Polling("changes of accounts", self._poll, seconds=poll_seconds)

    def listen(self, notify: Callable[[UserId], None]) -> None:
        self._listeners.add(notify)

    async def start(self) -> None:
        """Learn the store's time, then keep asking; raises if the store cannot be asked."""
        await self._polling.start()

    async def stop(self) -> None:
        """Stop asking."""
        await self._polling.stop()

    async def _poll(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            found = await self._accounts.changed_since(self._since)
        for change in found.changes:
            if change not in self._met:
                self._directory.forget(change.user_id)
                self._listeners.tell(change.user_id)
        self._since = found.read_at - OVERLAP
        self._met = frozenset(found.changes)
