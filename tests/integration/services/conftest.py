"""Services of one or more pods over one store, without the network."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.told import Told
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor
from whatchat.domain.ids import ClientId, DeviceId, GrantId, RoomId, UserId, random_id
from whatchat.domain.models import Message, Room
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.blocks import Blocked
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.store import Store
from whatchat.domain.times import Clock, utc_now
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.blocking.blocks import CachedBlocks
from whatchat.features.blocking.service import BlockingService
from whatchat.features.messages.contract import SendMessage
from whatchat.features.messages.service import MessageService
from whatchat.features.receipts.service import ReceiptService
from whatchat.features.reports.service import ReportService
from whatchat.features.rooms.contract import CreateRoom, SettingsPatch
from whatchat.features.rooms.service import RoomService
from whatchat.features.search.service import SearchService
from whatchat.features.sync.service import SyncService
from whatchat.features.typing.service import TypingService
from whatchat.observability.metrics import Metrics
from whatchat.realtime.live_hub import LiveHub
from whatchat.roomlog import OrderedRoomLog
from whatchat.services import Adapters, Conversations, Ground
from whatchat.settings import Settings as PodSettings

POLL_SECONDS = 0.1
Answer = TypeVar("Answer")


def actor(user_id: str) -> Actor:
    return Actor(
        user_id=UserId(user_id),
        device_id=DeviceId(f"{user_id}-device"),
        grant_id=GrantId(f"{user_id}-grant"),
        expires_at=2**40,
        address="127.0.0.1",
    )


@dataclass
class PodServices:
    """One pod's services."""

    log: OrderedRoomLog
    rooms: RoomService
    messages: MessageService
    receipts: ReceiptService
    sync: SyncService
    search: SearchService
    typing: TypingService
    reports: ReportService
    live: LiveHub
    directory: CachedUserDirectory
    blocks: CachedBlocks
    blocking: BlockingService
    broker: InProcessBroker
    metrics: Metrics
    told: Told

    async def group(
        self,
        creator: str,
        *others: str,
        settings: SettingsPatch | None = None,
        client_id: str | None = None,
    ) -> Room:
        command = CreateRoom(
            kind="group",
            participants=tuple(UserId(one) for one in others),
            settings=settings or SettingsPatch(),
            client_id=ClientId(client_id or random_id()),
        )
        return (await self.rooms.create(actor(creator), command)).value

    async def send(
        self, sender: str, room_id: RoomId, content: str = "hi", client_id: str | None = None
    ) -> Message:
        command = SendMessage(
            room_id=room_id, client_id=ClientId(client_id or random_id()), content=content
        )
        return (await self.messages.send(actor(sender), command)).value


class AtWill:
    """Blocks that a test has made, in force at once on every pod."""

    def __init__(self) -> None:
        self._made: set[tuple[UserId, UserId]] = set()

    def block(self, blocker: str, blocked: str) -> None:
        self._made.add((UserId(blocker), UserId(blocked)))

    def unblock(self, blocker: str, blocked: str) -> None:
        self._made.discard((UserId(blocker), UserId(blocked)))

    async def around(self, user_id: UserId) -> Blocked:
        return Blocked(
            blocks=frozenset(other for one, other in self._made if one == user_id),
            blocked_by=frozenset(one for one, other in self._made if other == user_id),
        )

    async def around_all(self, user_ids: Iterable[UserId]) -> Mapping[UserId, Blocked]:
        return {user_id: await self.around(user_id) for user_id in user_ids}


class Either:
    """Implements ``Blocks``: those that a test has made at will, and those in the store."""

    def __init__(self, at_will: AtWill, stored: CachedBlocks) -> None:
        self._at_will = at_will
        self._stored = stored
        self.listen = stored.listen

    async def around(self, user_id: UserId) -> Blocked:
        one, other = await self._at_will.around(user_id), await self._stored.around(user_id)
        return Blocked(
            blocks=one.blocks | other.blocks, blocked_by=one.blocked_by | other.blocked_by
        )

    async def around_all(self, user_ids: Iterable[UserId]) -> Mapping[UserId, Blocked]:
        return {user_id: await self.around(user_id) for user_id in user_ids}


@dataclass
class House:
    """A store, and as many pods on it as a test opens; ``clock``: what stamps entries."""

    store: Store
    clock: Clock = utc_now
    blocks: AtWill = field(default_factory=AtWill)
    exchange: InProcessExchange = field(default_factory=InProcessExchange)
    pods: list[PodServices] = field(default_factory=list)

    async def pod(self, messages: MessageStore | None = None) -> PodServices:
        """Open a pod; ``messages`` wraps the store's own."""
        store = copy(self.store)
        store.messages = messages or self.store.messages
        broker, metrics = InProcessBroker(self.exchange), Metrics()
        ground = Ground(
            pod=f"pod-{len(self.pods)}",
            settings=PodSettings(),
            adapters=Adapters(store, broker, InProcessSessionRegistry()),
            identity=await self.store.identity(),
            metrics=metrics,
            trail=Trail(f"pod-{len(self.pods)}", store.audit, metrics),
            clock=self.clock,
        )
        directory = CachedUserDirectory(self.store.accounts)
        blocks = CachedBlocks(self.store.blocks, poll_seconds=POLL_SECONDS)
        await blocks.start()
        conversations = Conversations(ground, directory, Either(self.blocks, blocks))
        pod = PodServices(
            log=conversations.log,
            rooms=conversations.rooms,
            messages=conversations.messages,
            receipts=conversations.receipts,
            sync=conversations.sync,
            search=conversations.search,
            typing=conversations.typing,
            reports=conversations.reports,
            live=conversations.live,
            directory=directory,
            blocks=blocks,
            blocking=BlockingService(
                store.blocks, blocks, directory, conversations.concealment, ground.trail
            ),
            broker=broker,
            metrics=metrics,
            told=Told(ground.trail),
        )
        self.pods.append(pod)
        return pod

    async def stranger(self, name: str) -> str:
        """Somebody new, of whom nothing in the store knows: the id, which begins with ``name``."""
        user_id = f"{name}-{random_id()[:12]}"
        await self.person(user_id)
        return user_id

    async def person(self, name: str) -> None:
        """Somebody with an account."""
        account = Account(
            user_id=UserId(name),
            username=name,
            display_name=name.title(),
            password_hash="",
            created_at=utc_now(),
        )
        await self.store.accounts.add(account)

    async def close(self) -> None:
        for pod in self.pods:
            await pod.receipts.stop()
            await pod.log.stop()
            await pod.blocks.stop()
            await pod.directory.close()
        await self.store.close()


@asynccontextmanager
async def opened(store: Store, clock: Clock = utc_now) -> AsyncIterator[House]:
    """A house on a new store, with nothing in it but a few people."""
    await store.open()
    await store.migrate()
    house = House(store, clock)
    for name in ("ada", "bob", "eve", "dan"):
        await house.person(name)
    try:
        yield house
    finally:
        await house.close()


@pytest.fixture(params=["sqlite", "mongo"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A store of each kind, with nothing in it but a few people."""
    async with opened(store_of(request)) as house:
        yield house


def store_of(request: pytest.FixtureRequest, *, clock: Clock = utc_now) -> Store:
    """The kind of store that a test is parametrised with, not opened."""
    if request.param == "mongo":
        return MongoStore(request.getfixturevalue("mongo_url"), clock=clock)
    return SqliteStore(":memory:", clock=clock)


class Stage:
    """Two pods over one store, on a loop of their own: the rules of machines are no coroutines."""

    def __init__(self, house: House, runner: asyncio.Runner) -> None:
        self.house = house
        self._runner = runner
        self._is_quick = isinstance(house.store, SqliteStore)
        self.one, self.other = (self.run(house.pod()) for _ in range(2))
        self.pods = (self.one, self.other)

    def run(self, work: Coroutine[None, None, Answer]) -> Answer:
        """What comes of it."""
        return self._runner.run(work)

    def play(self, machine: Callable[["Stage"], RuleBasedStateMachine], *, steps: int) -> None:
        """Run the machine as often as the profile's examples call for."""
        profile = settings.default or settings()
        run_state_machine_as_test(
            lambda: machine(self),  # type: ignore[arg-type] # whatever makes one will do
            settings=settings(
                max_examples=profile.max_examples // (3 if self._is_quick else 10),
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


@contextmanager
def staged(store: Store, clock: Clock = utc_now) -> Iterator[Stage]:
    """Two pods over a new store."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        house = runner.run(stack.enter_async_context(opened(store, clock)))
        yield Stage(house, runner)
        runner.run(stack.aclose())


@pytest.fixture(params=["sqlite", "mongo"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Two pods over a store of each kind."""
    with staged(store_of(request)) as stage:
        yield stage
