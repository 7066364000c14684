"""Who people are, remembered for a short while."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Final, NamedTuple

from whatchat.domain.ids import UserId
from whatchat.domain.models import User
from whatchat.domain.ports.account_store import Account, AccountStore
from whatchat.domain.ports.user_directory import Privacy
from whatchat.domain.showing import unknown_user

MAX_USERS: Final = 50_000
MAX_AGE_SECONDS: Final = 30.0


class _Person(NamedTuple):
    user: User
    privacy: Privacy


_Load = asyncio.Task[Mapping[UserId, _Person]]


class _Known(NamedTuple):
    person: _Person
    until: float


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
        self._size = size
        self._max_age = max_age
        self._clock = clock
        self._known: OrderedDict[UserId, _Known] = OrderedDict()
        self._loading: dict[UserId, _Load] = {}
        self._loads: set[_Load] = set()

    async def users(self, user_ids: Iterable[UserId]) -> Mapping[UserId, User]:
        found = await self._people(user_ids)
        return {user_id: person.user for user_id, person in found.items()}

    async def privacy(self, user_ids: Iterable[UserId]) -> Mapping[UserId, Privacy]:
        found = await self._people(user_ids)
        return {user_id: person.privacy for user_id, person in found.items()}

    async def _people(self, user_ids: Iterable[UserId]) -> Mapping[UserId, _Person]:
        wanted = set(user_ids)
        found = self._remembered(wanted)
        missing = wanted - found.keys()
        if missing:
            for load in self._loads_of(missing):
                # Shielded: others may be waiting for the same load when this caller goes.
                loaded = await asyncio.shield(load)
                found.update((one, loaded[one]) for one in missing & loaded.keys())
        return found

    async def user(self, user_id: UserId) -> User:
        found = await self.users((user_id,))
        return found.get(user_id) or unknown_user(user_id)

    def forget(self, user_id: UserId) -> None:
        self._known.pop(user_id, None)
        self._loading.pop(user_id, None)

    async def close(self) -> None:
        """Wait for the reads that are under way."""
        await asyncio.gather(*self._loads, return_exceptions=True)

    def _remembered(self, wanted: set[UserId]) -> dict[UserId, _Person]:
        now = self._clock()
        found = {}
        for user_id in wanted:
            known = self._known.get(user_id)
            if known and known.until > now:
                self._known.move_to_end(user_id)
                found[user_id] = known.person
        return found

    def _loads_of(self, missing: set[UserId]) -> set[_Load]:
        under_way = {self._loading[one] for one in missing & self._loading.keys()}
        unasked = missing - self._loading.keys()
        return under_way | {self._start_load(unasked)} if unasked else under_way

    def _start_load(self, user_ids: set[UserId]) -> _Load:
        load = asyncio.create_task(self._load(user_ids), name="user directory")
        self._loads.add(load)
        load.add_done_callback(self._finish_load)
        self._loading.update(dict.fromkeys(user_ids, load))
        return load

    async def _load(self, user_ids: set[UserId]) -> Mapping[UserId, _Person]:
        this = asyncio.current_task()
        try:
            accounts = await self._accounts.by_ids(tuple(user_ids))
            people = {user_id: _person(account) for user_id, account in accounts.items()}
            self._remember({one: people[one] for one in people if self._loading.get(one) is this})
            return people
        finally:
            for user_id in user_ids:
                if self._loading.get(user_id) is this:
                    del self._loading[user_id]

    def _remember(self, people: Mapping[UserId, _Person]) -> None:
        until = self._clock() + self._max_age
        for user_id, person in people.items():
            self._known[user_id] = _Known(person, until)
            self._known.move_to_end(user_id)
        while len(self._known) > self._size:
            self._known.popitem(last=False)

    def _finish_load(self, load: _Load) -> None:
        self._loads.discard(load)
        if not load.cancelled():
            # Marks a failure as seen, should every caller be gone by now.
            load.exception()


def _person(account: Account) -> _Person:
    return _Person(
        user_of(account),
        Privacy(presence=account.presence, read_receipts=account.read_receipts),
    )


def user_of(account: Account) -> User:
    """A person as others see them."""
    return User(id=account.user_id, username=account.username, display_name=account.display_name)
