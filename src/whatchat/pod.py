"""A pod: all its parts wired together, and their life."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import structlog
from starlette.routing import Route

from whatchat.administration import Debugging, admin_routes, debug_routes
from whatchat.audit.handing_out import HandingOut
from whatchat.audit.sealing import Sealing
from whatchat.audit.trail import Trail
from whatchat.background.deliver_only import DeliverOnly
from whatchat.background.expiry import Expiry
from whatchat.background.routine import Part, Routine
from whatchat.domain.contract import Catalogue, Endpoint, Event, Feature
from whatchat.domain.ids import UserId
from whatchat.domain.ports.fleet import Fleet
from whatchat.domain.ports.room_log import RoomLog
from whatchat.domain.ports.store import StoreIdentity
from whatchat.entrances import Entrances
from whatchat.entrypoints.audit_keys import head_keys
from whatchat.entrypoints.background import BackgroundTasks
from whatchat.entrypoints.clock_skew import ClockSkew
from whatchat.entrypoints.ending import CLOSE_SECONDS, ENDPOINT_SECONDS, until
from whatchat.entrypoints.pod_control import PodControl
from whatchat.entrypoints.pod_lease import PodLease
from whatchat.entrypoints.probes import Readiness
from whatchat.features.accounts import endpoints as accounts
from whatchat.features.blocking import endpoints as blocking
from whatchat.features.messages import endpoints as messages
from whatchat.features.presence import endpoints as presence
from whatchat.features.receipts import endpoints as receipts
from whatchat.features.reports import endpoints as reports
from whatchat.features.rooms import endpoints as rooms
from whatchat.features.search import endpoints as search
from whatchat.features.sessions import endpoints as sessions
from whatchat.features.sync import endpoints as sync
from whatchat.features.typing import endpoints as typing
from whatchat.fronts import Fronts, Operators
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.observability.loop_lag import watch_loop_lag
from whatchat.observability.metrics import Metrics
from whatchat.observability.process import Process
from whatchat.observability.tracing import OFF, Tracing
from whatchat.realtime.local_sockets import HubSockets
from whatchat.realtime.rebalancing import Rebalancer
from whatchat.realtime.server import RealtimeServer
from whatchat.services import Adapters, Conversations, Ground, People, Presence
from whatchat.settings import Settings

FEATURES: Final[Mapping[str, tuple[tuple[Endpoint, ...], tuple[type[Event], ...]]]] = {
    "accounts": (accounts.ENDPOINTS, accounts.EVENTS),
    "blocking": (blocking.ENDPOINTS, blocking.EVENTS),
    "rooms": (rooms.ENDPOINTS, rooms.EVENTS),
    "messages": (messages.ENDPOINTS, messages.EVENTS),
    "receipts": (receipts.ENDPOINTS, receipts.EVENTS),
    "typing": (typing.ENDPOINTS, typing.EVENTS),
    "presence": (presence.ENDPOINTS, presence.EVENTS),
    "sync": (sync.ENDPOINTS, sync.EVENTS),
    "search": (search.ENDPOINTS, search.EVENTS),
    "reports": (reports.ENDPOINTS, reports.EVENTS),
    "sessions": (sessions.ENDPOINTS, sessions.EVENTS),
}
"""What each feature has on the wire, whether or not its service is there."""

log = structlog.get_logger("whatchat.pod")


class Pod:
    """One node: its applications, and the life of all that is behind them.

    ``asgi`` and ``websocket`` are for the main port, ``internal`` for the internal one where
    there is one. ``is_local``: only this machine reaches the main port.
    ``asked_to_end`` is set when an operator asks for what SIGTERM does. ``must_end`` is set, and
    ``failed`` is true, when the pod cannot go on: its lease is lost, or a task failed.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        adapters: Adapters,
        identity: StoreIdentity,
        lease: PodLease | None,
        metrics: Metrics,
        *,
        is_local: bool = False,
        tracing: Tracing = OFF,
    ) -> None:
        self.name = name
        self.must_end = asyncio.Event()
        self.failed = False
        self.metrics = metrics
        self._skew = ClockSkew(adapters.store.clock, metrics)
        self.readiness = Readiness(
            {"store": adapters.store.ping, "broker": adapters.broker.check_hearing},
            metrics,
            self._skew.warnings,
        )
        self._drain_seconds = settings.drain_seconds
        self._lease = lease
        self._closing = AsyncExitStack()
        self._tasks = BackgroundTasks(self._fail)
        self._trail = Trail(name, adapters.store.audit, metrics)
        ground = Ground(
            name,
            settings,
            adapters,
            identity,
            self.metrics,
            self._trail,
            flights=FlightRecorder(),
            tracing=tracing,
        )
        people = self._people = People(ground)
        self._conversations = Conversations(ground, people.directory, people.blocks, people.witness)
        live = self._conversations.live
        self._presence = Presence(ground, self._people.directory, self._people.blocks, live)
        self._people.changes.listen(self._presence.second_looks.setting_changed)
        entrances = Entrances(ground, people, self._conversations, self._presence, _catalogue)
        self._realtime = entrances.realtime
        self._process = Process(metrics, "pod", name, partial(len, self._realtime.hub))
        self._limits = entrances.limits
        self._people.blocks.listen(self._block_changed)
        self._people.exclusions.listen(entrances.lifetimes.put_out)
        self._chores = BackgroundTasks(self._fail)
        # Where there may be several pods, workers do it.
        is_alone = lease is not None and not settings.redis_url
        self._parts = chores(ground, self._conversations.log) if is_alone else ()
        self._sealing = (sealing(ground),) if is_alone else ()
        self._sealers = BackgroundTasks(self._fail)
        self._control = PodControl(name, self.readiness)
        self.asked_to_end = self._control.asked_to_end
        self._debugging = Debugging(ground, self._realtime.inspection, self._control)
        self._rebalancer = rebalancer(ground, self._realtime, self._debugging.roster)
        operators = Operators(
            self._admin_routes(ground), debug_routes(ground, self._debugging.desk)
        )
        fronts = Fronts(ground, entrances, operators, self.readiness, is_local=is_local)
        self.asgi, self.internal = fronts.main, fronts.internal
        self.websocket = self._realtime.websocket

    async def owns(self, opened: AsyncExitStack) -> None:
        """Leave it to the pod to close what was opened for it, last of all."""
        await self._closing.enter_async_context(opened)

    async def start(self) -> None:
        """Begin to work; from here on the pod is ready as long as its store answers."""
        later = self._closing.push_async_callback
        # First to start, last to stop: the store is this pod's until nothing is left to write.
        later(self._tasks.stop)
        self._process.start()
        self._closing.callback(self._process.stop)
        self._tasks.start("loop-lag", watch_loop_lag(self.metrics.loop_lag_seconds))
        self._tasks.start("readiness", self.readiness.watch())
        self._tasks.start("clock", self._skew.watch())
        if self._lease is not None:
            self._tasks.start("lease", self._lease.keep(self._fail))
        for part in self._sealing:
            self._sealers.start(part.name, Routine(part).run())
        later(self._sealers.stop)  # which seals what the trail still wrote
        later(self._trail.stop)
        if self._limits is not None:
            self._closing.callback(self._limits.close)
        await self._people.start(self._closing)
        self._tasks.start("anomalies", self._people.look())
        self._tasks.start("typing", self._conversations.typing.run())
        self._conversations.log.start()
        later(self._leave_the_rest)
        later(self._conversations.log.stop)
        later(self._conversations.receipts.stop)
        for part in self._parts:
            self._chores.start(part.name, Routine(part).run())
        later(self._chores.stop)
        await self._presence.start()
        later(self._presence.stop)
        await self._realtime.start()
        later(partial(self._realtime.stop, seconds=0))  # for a pod that nobody drained
        await self._debugging.start()
        later(self._debugging.stop)
        if self._rebalancer is not None:
            self._rebalancer.start()
            later(self._rebalancer.close)
        self.readiness.accepting = True

    async def drain(self, *, at_once: bool = False) -> None:
        """Take no more traffic and move the clients away, over the seconds that are set.

        From the call on the pod is not ready. Newcomers are still taken for
        ``ENDPOINT_SECONDS``, unless there is no time set to drain. ``at_once``, and also as
        soon as the pod must end, clients are closed when what they asked for is answered.
        """
        self.readiness.accepting = False
        if self._rebalancer is not None:
            await self._rebalancer.stop()
        if at_once or not self._drain_seconds or not await until(self.must_end, self._move()):
            await self._realtime.stop(seconds=0)

    async def stop(self) -> None:
        """Finish what is queued and let go of everything, in reverse order."""
        self.readiness.accepting = False
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._closing.aclose()
        except TimeoutError:
            log.exception("the pod did not end in time")

    def _admin_routes(self, ground: Ground) -> list[Route]:
        sockets = HubSockets(self._realtime.hub, self._realtime.leases)
        return admin_routes(ground, self._people, self._conversations, sockets, self._control)

    async def _move(self) -> None:
        await asyncio.sleep(ENDPOINT_SECONDS)
        await self._realtime.stop(seconds=self._drain_seconds)

    async def _leave_the_rest(self) -> None:
        if self._lease is not None and not self._conversations.announcing.all_told:
            self._lease.leave()

    def _block_changed(self, blocker: UserId, _blocked: UserId, is_blocked: bool) -> None:  # noqa: FBT001 - a listener
        """A room that was concealed from the blocker may be there for them now."""
        if not is_blocked:
            self._realtime.look_again(blocker)

    def _fail(self) -> None:
        self.failed = True
        self.must_end.set()


def rebalancer(ground: Ground, realtime: RealtimeServer, fleet: Fleet) -> Rebalancer | None:
    """What sends sockets to other pods, where there may be others and it is wished for."""
    settings = ground.settings
    if settings.rebalance == "off" or ground.adapters.pods is None:
        return None
    return Rebalancer(
        realtime.hub,
        realtime.moving,
        realtime.returning,
        fleet,
        ground.metrics,
        per_minute=settings.rebalance_per_minute,
    )


def sealing(ground: Ground) -> Part:
    """What chains the audit log, done by one of those who share a store."""
    settings = ground.settings
    keys = head_keys(settings, make=True)
    return Sealing(
        ground.adapters.store,
        ground.pod,
        ground.metrics,
        keys[-1] if keys else None,
        HandingOut(settings.audit_heads_file),
        head_seconds=settings.audit_head_seconds,
        clock=ground.clock,
    )


def chores(ground: Ground, room_log: RoomLog) -> tuple[Part, ...]:
    """What is done in the background by one of those who share a store."""
    store, metrics = ground.adapters.store, ground.metrics
    return (
        Expiry(store, room_log, ground.pod, metrics),
        DeliverOnly(store, ground.pod, metrics),
    )


def documented() -> Catalogue:
    """All that is on the wire, without services: what the documents are made from."""
    return _catalogue(**dict.fromkeys(FEATURES))


def _catalogue(**services: object) -> Catalogue:
    """The features in the order of :data:`FEATURES`, each with its service."""
    return Catalogue(Feature(services[name], *rows) for name, rows in FEATURES.items())
