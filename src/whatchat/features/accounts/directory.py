"""Who people are, remembered for a short while."""

from collections.abc import Callable, Collection, Iterable, Mapping
from time import monotonic
from typing import Final, NamedTuple

from whatchat.domain.ids import UserId
from whatchat.domain.models import User
from whatchat.domain.ports.account_store import Account, AccountStore
from whatchat.domain.ports.user_directory import Privacy
from whatchat.domain.remembering import Remembered
from whatchat.domain.showing import unknown_user

MAX_USERS: Final = 50_000
MAX_AGE_SECONDS: Final = 300.0
"""Whoever changes is forgotten within a second or two; this is for what nobody tells of."""


class _Person(NamedTuple):
    user: User
    privacy: Privacy


class CachedUserDirectory:
    """Implements ``UserDirectory``: the ``size`` people asked for last, for ``max_age`` seconds.

    Of several look-ups of one person at the same time only the first reads the store, in
    one batch with all that it lacks.
    """

    def __init__(
        self,
        accounts: AccountStore,
        *,
        size: int = MAX_USERS,
        max_age: float = MAX_AGE_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._accounts = accounts
        self._people: Remembered[UserId, _Person] = Remembered(
            self._read, most=size, max_age=max_age, clock=clock
        )

    async def users(self, user_ids: Iterable[UserId]) -> Mapping[UserId, User]:
        found = await self._people.of(user_ids)
        return {user_id: person.user for user_id, person in found.items()}

    async def privacy(self, user_ids: Iterable[UserId]) -> Mapping[UserId, Privacy]:
        found = await self._people.of(user_ids)
        return {user_id: person.privacy for user_id, person in found.items()}

    async def user(self, user_id: UserId) -> User:
        found = await self.users((user_id,))
        return found.get(user_id) or unknown_user(user_id)

    def forget(self, user_id: UserId) -> None:
        self._people.forget(user_id)

    async def close(self) -> None:
        """Wait for the reads that are under way."""
        await self._people.close()

    async def _read(self, user_ids: Collection[UserId]) -> Mapping[UserId, _Person]:
        accounts = await self._accounts.by_ids(tuple(user_ids))
        return {user_id: _person(account) for user_id, account in accounts.items()}


def _person(account: Account) -> _Person:
    return _Person(
        user_of(account),
        Privacy(presence=account.presence, read_receipts=account.read_receipts),
    )


def user_of(account: Account) -> User:
    """A person as others see them."""
    return User(id=account.user_id, username=account.username, display_name=account.display_name)
