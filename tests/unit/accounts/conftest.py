from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.told import Told
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.authenticator import TokenAuthenticator
from whatchat.features.accounts.contract import Login, Register, SignedIn, TokenPair
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.keys import KeyRing
from whatchat.features.accounts.moderation import AccountModeration
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.refresh_tokens import RefreshTokens
from whatchat.features.accounts.revocations import Revocations
from whatchat.features.accounts.service import AccountService
from whatchat.features.accounts.sign_ins import SignIns
from whatchat.observability.metrics import Metrics

VISITOR = Visitor(address="192.0.2.1")


class Clock:
    """The time, and how far a test has moved it on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def advance(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Pod:
    """The accounts feature as one pod runs it."""

    service: AccountService
    revocations: Revocations
    exclusions: Exclusions
    moderation: AccountModeration
    authenticator: TokenAuthenticator
    store: Store
    told: Told

    async def register(self, username: str, password: str = "correct horse") -> SignedIn:
        return await self.service.register(VISITOR, Register(username=username, password=password))

    async def login(self, username: str, password: str = "correct horse") -> SignedIn:
        return await self.service.login(VISITOR, Login(username=username, password=password))

    async def actor(self, pair: TokenPair) -> Actor:
        return await self.authenticator.authenticate(pair.access_token, VISITOR.address)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = SqliteStore(str(tmp_path / "whatchat.db"))
    await store.open()
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
async def passwords() -> AsyncIterator[PasswordHasher]:
    """Weak on purpose: what Argon2 costs is not what these tests are about."""
    passwords = PasswordHasher(memory_kib=8, passes=1, workers=1)
    yield passwords
    await passwords.close()


@pytest.fixture
async def start_pod(
    store: Store, passwords: PasswordHasher, clock: Clock
) -> AsyncIterator[Callable[[], Awaitable[Pod]]]:
    """Starts pods that share the store."""
    pods: list[Pod] = []

    async def start() -> Pod:
        access = AccessTokens(KeyRing.of_secret(b"s" * 32))
        refresh = RefreshTokens((await store.identity()).secret)
        revocations = Revocations(store.accounts, poll_seconds=0.01)
        sign_ins = SignIns(store.accounts, access, refresh, revocations, clock=clock)
        directory = CachedUserDirectory(store.accounts)
        trail = Trail("pod", store.audit, Metrics())
        service = AccountService(
            store.accounts, passwords, sign_ins, revocations, directory, trail, clock=clock
        )
        await revocations.start()
        exclusions = Exclusions(store.accounts, poll_seconds=0.01)
        await exclusions.start()
        moderation = AccountModeration(store.accounts, revocations, exclusions, trail)
        authenticator = TokenAuthenticator(access, revocations, exclusions)
        pods.append(
            Pod(service, revocations, exclusions, moderation, authenticator, store, Told(trail))
        )
        return pods[-1]

    yield start
    for pod in pods:
        await pod.exclusions.stop()
        await pod.revocations.stop()


@pytest.fixture
async def pod(start_pod: Callable[[], Awaitable[Pod]]) -> Pod:
    return await start_pod()
