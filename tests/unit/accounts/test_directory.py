import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import UserId
from whatchat.domain.models import User
from whatchat.domain.ports.account_store import Account, AccountStore
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.directory import CachedUserDirectory

ADA, BOB, EVE = UserId("u-ada"), UserId("u-bob"), UserId("u-eve")


class Watched:
    """The account store, with its reads counted, delayed or failed."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts
        self.reads: list[set[UserId]] = []
        self.has_read = asyncio.Semaphore(0)
        self.answer = asyncio.Event()
        self.answer.set()
        self.broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)

    async def by_ids(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Account]:
        found = await self._accounts.by_ids(user_ids)
        self.reads.append(set(user_ids))
        self.has_read.release()
        await self.answer.wait()
        if self.broken:
            raise Unavailable
        return found


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def accounts(store: Store) -> Watched:
    for user_id, name in ((ADA, "ada"), (BOB, "bob"), (EVE, "eve")):
        await store.accounts.add(
            Account(
                user_id=user_id,
                username=name,
                display_name=name.title(),
                password_hash="",
                created_at=utc_now(),
            )
        )
    return Watched(store.accounts)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def directory(accounts: Watched, clock: Clock) -> AsyncIterator[CachedUserDirectory]:
    directory = CachedUserDirectory(accounts, size=2, max_age=30, clock=clock)
    yield directory
    await directory.close()


async def test_people_are_shown_and_unknown_ones_absent(directory: CachedUserDirectory) -> None:
    found = await directory.users([ADA, BOB, UserId("nobody"), ADA])
    assert found == {
        ADA: User(id=ADA, username="ada", display_name="Ada"),
        BOB: User(id=BOB, username="bob", display_name="Bob"),
    }


async def test_one_person_who_is_gone_has_a_placeholder(directory: CachedUserDirectory) -> None:
    assert (await directory.user(ADA)).username == "ada"
    gone = await directory.user(UserId("gone"))
    assert gone == User(id=UserId("gone"), username="deleted", display_name="deleted")


async def test_the_store_is_read_in_one_batch_and_only_for_what_is_not_known(
    directory: CachedUserDirectory, accounts: Watched
) -> None:
    await directory.users([ADA, BOB])
    await directory.users([ADA, BOB])
    await directory.users([BOB, EVE])
    assert accounts.reads == [{ADA, BOB}, {EVE}]


async def test_what_is_known_ages(
    directory: CachedUserDirectory, accounts: Watched, clock: Clock
) -> None:
    await directory.user(ADA)
    await accounts.update(ADA, display_name="Countess")
    clock.now = 29.9
    assert (await directory.user(ADA)).display_name == "Ada"
    clock.now = 30
    assert (await directory.user(ADA)).display_name == "Countess"


async def test_those_asked_for_least_lately_are_dropped(
    directory: CachedUserDirectory, accounts: Watched
) -> None:
    for user_id in (ADA, BOB, ADA, EVE, ADA, BOB):
        await directory.user(user_id)
    assert accounts.reads == [{ADA}, {BOB}, {EVE}, {BOB}]


async def test_many_at_once_read_the_store_once(
    directory: CachedUserDirectory, accounts: Watched
) -> None:
    accounts.answer.clear()
    asking = [asyncio.create_task(directory.users([ADA, BOB])) for _ in range(50)]
    overlapping = asyncio.create_task(directory.users([BOB, EVE]))
    await accounts.has_read.acquire()
    await accounts.has_read.acquire()
    accounts.answer.set()
    assert all(found.keys() == {ADA, BOB} for found in await asyncio.gather(*asking))
    assert (await overlapping).keys() == {BOB, EVE}
    assert sorted(accounts.reads, key=len) == [{EVE}, {ADA, BOB}]


async def test_whoever_gives_up_takes_nothing_from_the_others(
    directory: CachedUserDirectory, accounts: Watched
) -> None:
    accounts.answer.clear()
    first = asyncio.create_task(directory.user(ADA))
    second = asyncio.create_task(directory.user(ADA))
    await accounts.has_read.acquire()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    accounts.answer.set()
    assert (await second).username == "ada"
    assert accounts.reads == [{ADA}]


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered(
    directory: CachedUserDirectory, accounts: Watched
) -> None:
    accounts.broken = True
    outcomes = await asyncio.gather(
        *(directory.user(ADA) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in outcomes] == [Unavailable] * 3
    accounts.broken = False
    assert (await directory.user(ADA)).username == "ada"


async def test_whom_it_forgets_it_looks_up_afresh(
    directory: CachedUserDirectory, accounts: Watched
) -> None:
    await directory.user(ADA)
    await accounts.update(ADA, display_name="Countess")
    directory.forget(ADA)
    assert (await directory.user(ADA)).display_name == "Countess"


async def test_a_read_begun_before_a_change_is_not_remembered_after_it(
    directory: CachedUserDirectory, accounts: Watched
) -> None:
    accounts.answer.clear()
    early = asyncio.create_task(directory.user(ADA))
    await accounts.has_read.acquire()
    await accounts.update(ADA, display_name="Countess")
    directory.forget(ADA)
    accounts.answer.set()
    assert (await early).display_name == "Ada"
    assert (await directory.user(ADA)).display_name == "Countess"
