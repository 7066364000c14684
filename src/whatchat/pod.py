"""A pod: all its parts wired together, and their life."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, NamedTuple, get_args

from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.domain.contract import Catalogue, Endpoint, Event, Feature
from whatchat.domain.log import MembershipChange, MessageChange
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.session_registry import SessionRegistry
from whatchat.domain.ports.store import Store, StoreIdentity
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.times import utc_now
from whatchat.entrypoints.address import client_address
from whatchat.entrypoints.asgi import PodApplication, http_application
from whatchat.entrypoints.background import BackgroundTasks
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.handshake import Handshake
from whatchat.entrypoints.http import Rest
from whatchat.entrypoints.pages import page_routes
from whatchat.entrypoints.pod_lease import PodLease
from whatchat.entrypoints.probes import Readiness, probe_routes
from whatchat.entrypoints.signing import signing_keys
from whatchat.entrypoints.sockets import SocketCommands
from whatchat.features.accounts import endpoints as accounts
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.authenticator import TokenAuthenticator
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.accounts.keys import KeyRing
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.refresh_tokens import RefreshTokens
from whatchat.features.accounts.revocations import Revocations
from whatchat.features.accounts.service import AccountService
from whatchat.features.accounts.sign_ins import SignIns
from whatchat.features.messages import endpoints as messages
from whatchat.features.messages.announcer import MessageAnnouncer
from whatchat.features.messages.service import MessageService
from whatchat.features.rooms import endpoints as rooms
from whatchat.features.rooms.announcer import RoomAnnouncer
from whatchat.features.rooms.service import RoomService
from whatchat.features.rooms.views import StoredRoomViews
from whatchat.features.sessions import endpoints as sessions
from whatchat.features.sessions.service import SessionService
from whatchat.features.sync import endpoints as sync
from whatchat.features.sync.service import SyncService
from whatchat.observability.loop_lag import watch_loop_lag
from whatchat.observability.metrics import Metrics
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import Transport
from whatchat.realtime.server import RealtimeServer
from whatchat.roomlog import OrderedRoomLog
from whatchat.roomlog.announcing import Announcers, Announcing
from whatchat.roomlog.stamping import Stamp
from whatchat.settings import Settings

FEATURES: Final[Mapping[str, tuple[tuple[Endpoint, ...], tuple[type[Event], ...]]]] = {
    "accounts": (accounts.ENDPOINTS, accounts.EVENTS),
    "rooms": (rooms.ENDPOINTS, rooms.EVENTS),
    "messages": (messages.ENDPOINTS, messages.EVENTS),
    "sync": (sync.ENDPOINTS, sync.EVENTS),
    "sessions": (sessions.ENDPOINTS, sessions.EVENTS),
}
"""What each feature has on the wire, whether or not its service is there."""


class Adapters(NamedTuple):
    """The technologies that play the domain's roles for one pod."""

    store: Store
    broker: Broker
    sessions: SessionRegistry


class _People:
    """Accounts, and who tokens speak for."""

    def __init__(self, store: Store, keys: KeyRing, secret: bytes) -> None:
        self.passwords = PasswordHasher()
        self.directory = CachedUserDirectory(store.accounts)
        self.revocations = Revocations(store.accounts)
        tokens = AccessTokens(keys)
        self.authenticator = TokenAuthenticator(tokens, self.revocations)
        sign_ins = SignIns(store.accounts, tokens, RefreshTokens(secret), self.revocations)
        self.accounts = AccountService(
            store.accounts, self.passwords, sign_ins, self.revocations, self.directory
        )


class _Conversations:
    """Rooms, and what is said in them."""

    def __init__(
        self,
        store: Store,
        broker: Broker,
        directory: UserDirectory,
        identity: StoreIdentity,
        pod: str,
        metrics: Metrics,
    ) -> None:
        views = StoredRoomViews(store.rooms, store.messages, directory)
        announcers: Announcers = {
            **dict.fromkeys(get_args(MessageChange), MessageAnnouncer(directory)),
            **dict.fromkeys(get_args(MembershipChange), RoomAnnouncer(views)),
        }
        self.log = OrderedRoomLog(
            store.messages,
            store.rooms,
            Stamp(secret=identity.secret, pod=pod, clock=utc_now),
            Announcing(store.messages, store.rooms, broker, announcers, metrics),
            metrics,
        )
        self.rooms = RoomService(self.log, store.rooms, directory, views, identity.secret)
        self.messages = MessageService(self.log, store.rooms, store.messages, directory)
        self.sync = SyncService(store.rooms, store.messages, views, directory, identity.epoch)


class Pod:
    """One node: its applications, and the life of all that is behind them.

    ``asgi`` is for the main port, ``internal`` for the internal one where there is one.
    ``must_end`` is set, and ``failed`` is true, when the pod cannot go on: its lease is
    lost, or a task failed.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        adapters: Adapters,
        identity: StoreIdentity,
        lease: PodLease | None,
    ) -> None:
        store, broker = adapters.store, adapters.broker
        self.name = name
        self.must_end = asyncio.Event()
        self.failed = False
        self.metrics = Metrics()
        self.readiness = Readiness({"store": store.ping})
        self._drain_seconds = settings.drain_seconds
        self._lease = lease
        self._closing = AsyncExitStack()
        self._tasks = BackgroundTasks(self._fail)
        self._people = people = _People(store, signing_keys(settings), identity.secret)
        self._conversations = _Conversations(
            store, broker, people.directory, identity, name, self.metrics
        )

        # What may be asked for
        lifetimes = Lifetimes()
        sessions = SessionService(people.authenticator, lifetimes, epoch=identity.epoch)
        catalogue = _catalogue(
            accounts=people.accounts,
            rooms=self._conversations.rooms,
            messages=self._conversations.messages,
            sync=self._conversations.sync,
            sessions=sessions,
        )
        limiter = EmbeddedLimiter() if settings.rate_limits == "on" else None
        dispatch = Dispatch(self.metrics, limiter)

        # The ways in
        self._realtime = RealtimeServer(
            commands=SocketCommands(catalogue, dispatch),
            greet=sessions.greet,
            lifetimes=lifetimes,
            authenticator=people.authenticator,
            broker=broker,
            rooms=store.rooms,
            room_log=self._conversations.log,
            registry=adapters.sessions,
            metrics=self.metrics,
            pod=name,
            address_of=partial(client_address, trusted=settings.trusted_proxies),
            transport=Transport(
                settings.ping_interval_ms, settings.ping_timeout_ms, settings.max_payload_bytes
            ),
        )
        rest = Rest(
            dispatch,
            people.authenticator,
            max_body_bytes=settings.max_payload_bytes,
            trusted_proxies=settings.trusted_proxies,
        )
        probes = probe_routes(self.readiness, self.metrics)
        self.internal = http_application([], probes) if settings.internal_port else None
        self.asgi = PodApplication(
            http=http_application(
                rest.routes(catalogue),
                [*([] if self.internal else probes), *page_routes(catalogue)],
                cors_origins=settings.cors_origins,
            ),
            sockets=Handshake(self._realtime.app, cors_origins=settings.cors_origins),
        )

    async def owns(self, opened: AsyncExitStack) -> None:
        """Leave it to the pod to close what was opened for it, last of all."""
        await self._closing.enter_async_context(opened)

    async def start(self) -> None:
        """Begin to work; from here on the pod is ready as long as its store answers."""
        later = self._closing.push_async_callback
        later(self._people.passwords.close)
        later(self._people.directory.close)
        await self._people.revocations.start()
        later(self._people.revocations.stop)
        self._conversations.log.start()
        later(self._conversations.log.stop)
        later(self._tasks.stop)
        self._tasks.start("loop-lag", watch_loop_lag(self.metrics.loop_lag_seconds))
        if self._lease is not None:
            self._tasks.start("lease", self._lease.keep(self._fail))
        await self._realtime.start()
        self.readiness.accepting = True

    async def drain(self) -> None:
        """Take no more traffic and move the clients away, once."""
        if self.readiness.accepting:
            self.readiness.accepting = False
            await self._realtime.stop(seconds=self._drain_seconds)

    async def stop(self) -> None:
        """Drain, finish what is queued and let go of everything, in reverse order."""
        await self.drain()
        await self._closing.aclose()

    def _fail(self) -> None:
        self.failed = True
        self.must_end.set()


def documented() -> Catalogue:
    """All that is on the wire, without services: what the documents are made from."""
    return _catalogue(**dict.fromkeys(FEATURES))


def _catalogue(**services: object) -> Catalogue:
    """The features in the order of :data:`FEATURES`, each with its service."""
    return Catalogue(Feature(services[name], *rows) for name, rows in FEATURES.items())
