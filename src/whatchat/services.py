"""What the features do, wired to what they stand on."""

from contextlib import AsyncExitStack
from typing import NamedTuple, get_args

from whatchat.anomalies.overrides import changed
from whatchat.anomalies.remedies import Remedies
from whatchat.anomalies.rule import BadRule
from whatchat.anomalies.rules import RULES
from whatchat.anomalies.watch import Watch
from whatchat.audit.trail import Trail
from whatchat.domain.log import MembershipChange, MessageChange
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.ports.live_users import LiveUsers
from whatchat.domain.ports.moderation import Moderation
from whatchat.domain.ports.pod_registry import PodRegistry
from whatchat.domain.ports.session_registry import SessionRegistry
from whatchat.domain.ports.store import Store, StoreIdentity
from whatchat.domain.ports.tally import Tally
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.ports.witness import Witness
from whatchat.domain.times import Clock, utc_now
from whatchat.entrypoints.issuer import external
from whatchat.entrypoints.signing import signing_keys
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.attempts import PasswordAttempts
from whatchat.features.accounts.authenticator import TokenAuthenticator
from whatchat.features.accounts.bad_tokens import BadTokens, CountingAuthenticator
from whatchat.features.accounts.changes import AccountChanges
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.key_rotation import KeyRotation
from whatchat.features.accounts.moderation import AccountModeration
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.refresh_tokens import RefreshTokens
from whatchat.features.accounts.revocations import Revocations
from whatchat.features.accounts.service import AccountService
from whatchat.features.accounts.sign_ins import SignIns
from whatchat.features.blocking.blocks import CachedBlocks
from whatchat.features.messages.announcer import MessageAnnouncer
from whatchat.features.messages.service import MessageService
from whatchat.features.presence.second_looks import SecondLooks
from whatchat.features.presence.service import PresenceService
from whatchat.features.presence.sight import Sight
from whatchat.features.presence.statuses import Statuses
from whatchat.features.presence.teller import Teller
from whatchat.features.presence.watchers import Watchers
from whatchat.features.receipts.disclosure import Disclosure
from whatchat.features.receipts.service import ReceiptService
from whatchat.features.receipts.telling import Telling
from whatchat.features.receipts.traits import RoomTraits
from whatchat.features.receipts.writing import Writing
from whatchat.features.reports.service import ReportService
from whatchat.features.rooms.announcer import RoomAnnouncer
from whatchat.features.rooms.concealment import Concealment
from whatchat.features.rooms.service import RoomService
from whatchat.features.rooms.views import StoredRoomViews
from whatchat.features.search.service import SearchService
from whatchat.features.sync.service import SyncService
from whatchat.features.typing.service import TypingService
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import OFF, Tracing
from whatchat.realtime.live_hub import LiveHub
from whatchat.roomlog import OrderedRoomLog
from whatchat.roomlog.announcing import Announcers, Announcing
from whatchat.roomlog.stamping import Stamp
from whatchat.settings import BadSetting, Settings


class Adapters(NamedTuple):
    """The technologies that play the domain's roles for one pod.

    No limiter: no limits. No tally: nobody looks for anomalies. No registry of pods: each pod
    knows of itself alone.
    """

    store: Store
    broker: Broker
    sessions: SessionRegistry
    limiter: Limiter | None = None
    tally: Tally | None = None
    pods: PodRegistry | None = None


class Ground(NamedTuple):
    """What everything in a pod stands on."""

    pod: str
    settings: Settings
    adapters: Adapters
    identity: StoreIdentity
    metrics: Metrics
    trail: Trail
    clock: Clock = utc_now
    flights: FlightRecorder | None = None
    tracing: Tracing = OFF


class People:
    """Accounts, who tokens speak for, who has blocked whom, and whose doings look wrong.

    Raises ``BadSetting`` for rules that cannot be.
    """

    def __init__(self, ground: Ground) -> None:
        store = ground.adapters.store
        accounts = store.accounts
        self.passwords = PasswordHasher()
        self.directory = CachedUserDirectory(accounts)
        self.changes = AccountChanges(accounts, self.directory)
        self.blocks = CachedBlocks(store.blocks)
        self.revocations = Revocations(accounts)
        self.exclusions = Exclusions(accounts)
        self.moderation = AccountModeration(
            accounts, self.revocations, self.exclusions, ground.trail
        )
        keys = signing_keys(ground.settings)
        access = AccessTokens(keys.ring)
        self._rotation = KeyRotation(keys.folder, access) if keys.folder else None
        refresh = RefreshTokens(ground.identity.secret)
        self._external = external(
            ground.settings,
            accounts,
            self.exclusions,
            ground.trail,
            ground.metrics,
            secret=ground.identity.secret,
        )
        limiter = ground.adapters.limiter
        bad_tokens = BadTokens(ground.trail, limited=limiter is not None)
        self.authenticator = CountingAuthenticator(
            TokenAuthenticator(
                access,
                self.revocations,
                self.exclusions,
                rotation=self._rotation,
                external=self._external.people if self._external else None,
            ),
            bad_tokens,
        )
        self.accounts = AccountService(
            accounts,
            self.passwords,
            SignIns(accounts, access, refresh, self.revocations),
            self.revocations,
            self.directory,
            ground.trail,
            attempts=PasswordAttempts(limiter, ground.trail),
            bad_tokens=bad_tokens,
        )
        self._watch = _watch(ground, self.moderation)
        self.witness = self._watch.witness if self._watch else None

    async def start(self, closing: AsyncExitStack) -> None:
        """Begin to follow what the store says of people, until ``closing``."""
        later = closing.push_async_callback
        later(self.passwords.close)
        later(self.directory.close)
        for keys in (self._rotation, self._external and self._external.keys):
            if keys is not None:
                await keys.start()
                later(keys.stop)
        for one in (self.revocations, self.exclusions, self.changes, self.blocks):
            await one.start()
            later(one.stop)

    async def look(self) -> None:
        """Look for anomalies until cancelled, if anything is to."""
        if self._watch is not None:
            await self._watch.run()


class Conversations:
    """Rooms, and what is said in them; ``live`` is to know the pod's sockets."""

    def __init__(
        self,
        ground: Ground,
        directory: UserDirectory,
        blocks: Blocks,
        witness: Witness | None = None,
    ) -> None:
        store, identity = ground.adapters.store, ground.identity
        self.live = LiveHub()
        views = StoredRoomViews(store.rooms, store.messages, directory)
        announcers: Announcers = {
            **dict.fromkeys(get_args(MessageChange), MessageAnnouncer(directory)),
            **dict.fromkeys(get_args(MembershipChange), RoomAnnouncer(views, store.rooms)),
        }
        self.announcing = announcing = Announcing(
            store.messages,
            store.rooms,
            ground.adapters.broker,
            announcers,
            ground.metrics,
            ground.flights,
        )
        stamp = Stamp(secret=identity.secret, pod=ground.pod, clock=ground.clock)
        self.log = OrderedRoomLog(store.messages, store.rooms, stamp, announcing, ground.metrics)
        ground.adapters.broker.listen(self.log.hear)
        self.concealment = Concealment(
            store.rooms, store.blocks, views, ground.adapters.broker, identity.secret
        )
        self.rooms = RoomService(
            self.log,
            store.rooms,
            directory,
            blocks,
            views,
            self.concealment,
            identity.secret,
            ground.trail,
        )
        self.messages = MessageService(
            self.log, store.rooms, store.messages, directory, blocks, ground.trail, witness
        )
        self.receipts = self._receipts(ground, directory, blocks)
        self.typing = self._typing(ground, directory, blocks)
        self.sync = SyncService(
            store.rooms,
            store.messages,
            views,
            directory,
            identity.epoch,
            store.receipts,
            ground.metrics,
        )
        self.search = SearchService(store.rooms, store.messages, store.search, directory)
        self.reports = ReportService(
            store.reports, store.rooms, store.messages, directory, ground.trail, ground.clock
        )

    def _receipts(self, ground: Ground, directory: UserDirectory, blocks: Blocks) -> ReceiptService:
        store = ground.adapters.store
        telling = Telling(store.receipts, self.live, ground.adapters.broker)
        disclosure = Disclosure(directory, blocks, store.messages, self.live)
        traits = RoomTraits(store.rooms)
        writing = Writing(store.receipts, store.rooms, traits, disclosure, telling, ground.flights)
        return ReceiptService(store.rooms, self.live, writing, telling)

    def _typing(self, ground: Ground, directory: UserDirectory, blocks: Blocks) -> TypingService:
        rooms, broker = ground.adapters.store.rooms, ground.adapters.broker
        typing = TypingService(self.live, rooms, directory, blocks, broker)
        broker.listen(typing.hear)
        self.live.when_gone(typing.gone)
        return typing


class Presence:
    """Who is online, and who is told."""

    def __init__(
        self, ground: Ground, directory: UserDirectory, blocks: Blocks, live: LiveUsers
    ) -> None:
        store, broker, metrics = ground.adapters.store, ground.adapters.broker, ground.metrics
        registry = ground.adapters.sessions.presence
        sight = Sight(store.rooms, directory, blocks)
        statuses = Statuses(sight, registry, store.seen)
        self.watchers = Watchers(statuses, blocks, live, broker, metrics)
        self.second_looks = SecondLooks(sight, statuses, self.watchers, blocks, live, metrics)
        self.teller = Teller(registry, sight, store.seen, broker, metrics)
        self.service = PresenceService(sight, statuses, self.watchers, registry, directory)

    async def start(self) -> None:
        """Begin to tell."""
        await self.watchers.start()
        self.second_looks.start()
        self.teller.start()

    async def stop(self) -> None:
        """Tell no more."""
        await self.teller.stop()
        await self.second_looks.stop()
        await self.watchers.stop()


def _watch(ground: Ground, moderation: Moderation) -> Watch | None:
    """What looks for anomalies, if anything is to."""
    settings, adapters = ground.settings, ground.adapters
    if adapters.tally is None:
        return None
    try:
        rules = changed(RULES, settings.anomaly_rules) if settings.anomaly_rules else RULES
    except BadRule as error:
        raise BadSetting(f"WHATCHAT_ANOMALY_RULES: {error}") from None
    for rule in rules:
        ground.metrics.anomalies.labels(rule.name, rule.action)
    remedies = Remedies(moderation, adapters.limiter, ground.trail, ground.metrics)
    watch = Watch(rules, adapters.tally, remedies, ground.metrics)
    ground.trail.listen(watch.take)
    return watch
