"""Who is refused learns nothing: not from the answer, nor from what is done until it is there."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.told import Told
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Visitor
from whatchat.domain.errors import ChatError, RateLimited
from whatchat.domain.ids import DeviceId, UserId, random_id
from whatchat.domain.ports.account_store import Account, AccountStore
from whatchat.domain.ports.limiter import Charge
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.attempts import PasswordAttempts
from whatchat.features.accounts.contract import Login
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.accounts.keys import KeyRing
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.refresh_tokens import RefreshTokens
from whatchat.features.accounts.revocations import Revocations
from whatchat.features.accounts.service import AccountService
from whatchat.features.accounts.sign_ins import SignIns
from whatchat.observability.metrics import Metrics

VISITOR = Visitor(address="192.0.2.1")
PASSWORD = "correct horse"


class Watched:
    """An account store that notes what it is asked."""

    def __init__(self, accounts: AccountStore, steps: list[str]) -> None:
        self._accounts = accounts
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._accounts, name)

        async def ask(*args: Any, **named: Any) -> Any:
            self._steps.append(name)
            return await method(*args, **named)

        return ask


class WatchedHasher(PasswordHasher):
    """Notes each hash that it makes, to compare it or to keep it."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__(memory_kib=8, passes=1, workers=1)
        self.steps = steps

    async def _run(self, work: Callable[[], Any]) -> Any:
        self.steps.append("argon2")
        return await super()._run(work)


class WatchedLimiter(EmbeddedLimiter):
    """Notes what kinds of quota it is asked about."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__()
        self.steps = steps

    async def charge(self, charges: Sequence[Charge]) -> int:
        self.steps.append("charge " + " ".join(f"{one.quota.burst}" for one in charges))
        return await super().charge(charges)


class Door:
    """Somebody of each kind, and what happens when they try to come in."""

    def __init__(self, store: Store, hasher: WatchedHasher, secret: bytes) -> None:
        self.steps = hasher.steps
        self._store = store
        self._hasher = hasher
        trail = Trail("pod", store.audit, Metrics())
        self.told = Told(trail)
        accounts: Any = Watched(store.accounts, self.steps)
        revocations = Revocations(accounts)
        access = AccessTokens(KeyRing.of_secret(b"s" * 32))
        self._service = AccountService(
            accounts,
            hasher,
            SignIns(accounts, access, RefreshTokens(secret), revocations),
            revocations,
            CachedUserDirectory(accounts),
            trail,
            attempts=PasswordAttempts(WatchedLimiter(self.steps), trail),
        )

    async def people(self) -> None:
        """Open the accounts."""
        for name, password in (("ada", PASSWORD), ("banned", PASSWORD), ("elsewhere", None)):
            account = Account(
                user_id=UserId(name),
                username=name,
                display_name=name,
                password_hash=await self._hasher.hash(password) if password else "",
                created_at=utc_now(),
            )
            await self._store.accounts.add(account)
        await self._store.accounts.ban(UserId("banned"))
        self.steps.clear()

    async def refuses(
        self, username: str, password: str, device_id: str | None
    ) -> tuple[ChatError, list[str]]:
        """How it is refused, and what was done for that."""
        command = Login(username=username, password=password)
        if device_id:
            command = Login(username=username, password=password, device_id=DeviceId(device_id))
        self.told.clear()
        self.steps.clear()
        with pytest.raises(ChatError) as refused:
            await self._service.login(VISITOR, command)
        return refused.value, list(self.steps)


@pytest.fixture
async def door(store: Store) -> AsyncIterator[Door]:
    hasher = WatchedHasher([])
    door = Door(store, hasher, (await store.identity()).secret)
    await door.people()
    yield door
    await hasher.close()


REFUSED = [
    pytest.param("nobody", PASSWORD, id="unknown"),
    pytest.param("ada", "wrong password", id="wrong"),
    pytest.param("ada", "", id="empty"),
    pytest.param("banned", PASSWORD, id="banned"),
    pytest.param("banned", "wrong password", id="banned-and-wrong"),
    pytest.param("elsewhere", PASSWORD, id="without-a-password"),
    pytest.param("elsewhere", "", id="without-a-password-and-empty"),
]


@pytest.mark.parametrize(("username", "password"), REFUSED)
async def test_whoever_is_refused_costs_the_same(door: Door, username: str, password: str) -> None:
    error, steps = await door.refuses(username, password, None)
    assert error.body().code == "unauthenticated"
    assert error.body() == type(error)().body()
    assert steps == ["by_username", "charge 50 100 10", "argon2"]
    assert [one.act.kind for one in door.told.records] == ["sign_in"]


@pytest.mark.parametrize(("username", "password"), REFUSED)
async def test_so_does_whoever_names_a_device(door: Door, username: str, password: str) -> None:
    error, steps = await door.refuses(username, password, random_id())
    assert error.body().code == "unauthenticated"
    assert steps == ["by_username", "device", "charge 50 100 10", "argon2"]


@pytest.mark.parametrize(("username", "password"), REFUSED)
async def test_whoever_has_to_wait_learns_nothing_either(
    door: Door, username: str, password: str
) -> None:
    for _ in range(10):
        await door.refuses(username, password, None)
    error, steps = await door.refuses(username, password, None)
    assert isinstance(error, RateLimited)
    assert error.body() == RateLimited(retry_after_ms=error.retry_after_ms).body()
    assert 29_000 < (error.retry_after_ms or 0) <= 30_000
    assert steps == ["by_username", "charge 50 100 10"]
    assert [one.act.kind for one in door.told.records] == ["limit.hit"]
