"""Pods that are nothing but presence, with sockets that note what they are told."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tests.integration.services.conftest import House, PodServices
from tests.unit.realtime.parts import NotedLink, actor, deliveries, greeted, hub_of
from whatchat.adapters.embedded.broker import InProcessBroker
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.audit.trail import Trail
from whatchat.domain.ids import ClientId, DeviceId, SessionId, UserId, random_id
from whatchat.domain.models import Visibility
from whatchat.domain.ports.blocks import BlockListener
from whatchat.domain.ports.session_registry import Session
from whatchat.domain.times import utc_now
from whatchat.features.presence.contract import (
    GetPresence,
    ListOnline,
    PersonStatus,
    UnwatchPresence,
    WatchPresence,
)
from whatchat.features.rooms.contract import CreateRoom
from whatchat.observability.metrics import Metrics
from whatchat.realtime.connection import Connection
from whatchat.realtime.fanout import Fanout
from whatchat.realtime.live_hub import LiveHub
from whatchat.realtime.tasks import Tasks
from whatchat.services import Adapters, Ground, Presence
from whatchat.settings import Settings

LEASE_SECONDS = 60


class Clock:
    """Stands still until told to go on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class MadeBlocks:
    """Implements ``Blocks``: in force, and told of, at once on every pod."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._listeners: list[BlockListener] = []
        self.around = house.blocks.around
        self.around_all = house.blocks.around_all

    def listen(self, notify: BlockListener) -> None:
        self._listeners.append(notify)

    def make(self, blocker: str, blocked: str) -> None:
        self._house.blocks.block(blocker, blocked)
        self._tell(blocker, blocked, is_blocked=True)

    def lift(self, blocker: str, blocked: str) -> None:
        self._house.blocks.unblock(blocker, blocked)
        self._tell(blocker, blocked, is_blocked=False)

    def _tell(self, blocker: str, blocked: str, *, is_blocked: bool) -> None:
        for notify in self._listeners:
            notify(UserId(blocker), UserId(blocked), is_blocked)


@dataclass
class OnlookersPod:
    """One pod's presence; ``links`` are its sockets by name."""

    services: PodServices
    presence: Presence
    registry: InProcessSessionRegistry
    broker: InProcessBroker
    live: LiveHub
    metrics: Metrics
    tasks: Tasks = field(default_factory=Tasks)
    links: dict[str, NotedLink] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hub = hub_of(self.tasks)
        self.live.attach(self.hub)
        self.broker.listen(Fanout(self.hub, deliveries()).deliver)

    async def connect(self, user: str, name: str = "") -> NotedLink:
        """Somebody's socket, entered into the registry."""
        connection, link = greeted(user, name or user)
        self.hub.add(connection)
        self.links[name or user], self.connections[name or user] = link, connection
        await self.broker.subscribe_users([UserId(user)])
        session = Session(
            session_id=connection.session_id,
            user_id=UserId(user),
            device_id=DeviceId("device"),
            pod="pod",
            since=utc_now(),
        )
        await self.registry.open(session, lease_seconds=LEASE_SECONDS)
        return link

    async def disconnect(self, name: str) -> None:
        """Its socket is closed."""
        self._gone(name)
        await self.registry.close(SessionId(name))

    def die(self) -> None:
        """All its sockets are gone, and nobody says so."""
        for name in tuple(self.connections):
            self._gone(name)

    async def renew(self) -> None:
        """Go on with the leases."""
        names = [SessionId(name) for name in self.connections]
        assert await self.registry.renew(names, lease_seconds=LEASE_SECONDS) == []

    async def tell(self) -> int:
        """Tell all that there is to tell, and have everybody here hear it."""
        told = 0
        while some := await self.presence.teller.tell_some():
            told += some
        return told

    async def get(self, viewer: str, *users: str) -> list[PersonStatus]:
        command = GetPresence(user_ids=tuple(map(UserId, users)))
        return (await self.presence.service.get(actor(viewer, viewer), command)).users

    async def watch(self, viewer: str, *users: str, socket: str = "") -> list[PersonStatus]:
        command = WatchPresence(user_ids=tuple(map(UserId, users)))
        who = actor(viewer, socket or viewer)
        return (await self.presence.service.watch(who, command)).users

    async def unwatch(self, viewer: str, *users: str) -> list[PersonStatus]:
        command = UnwatchPresence(user_ids=tuple(map(UserId, users)))
        return (await self.presence.service.unwatch(actor(viewer, viewer), command)).users

    async def online(self, viewer: str) -> list[str]:
        found = await self.presence.service.online(actor(viewer), ListOnline())
        return [user.id for user in found.users]

    def statuses(self, name: str) -> list[dict[str, Any]]:
        """What a socket was told of others."""
        return [data for event, data in self.links[name].events() if event == "user:status"]

    def _gone(self, name: str) -> None:
        connection = self.connections.pop(name)
        self.hub.remove(connection)
        self.live.gone(connection.actor.user_id, connection.session_id)


class Onlookers:
    """Pods over one store and one registry, whose clock the test moves."""

    def __init__(self, house: House, opened: AsyncExitStack) -> None:
        self.house = house
        self.clock = Clock()
        self.blocks = MadeBlocks(house)
        self._registry = InProcessSessionRegistry(self.clock)
        self._opened = opened
        self.pods: list[OnlookersPod] = []

    async def pod(self) -> OnlookersPod:
        """One more."""
        services, metrics = await self.house.pod(), Metrics()
        broker = InProcessBroker(self.house.exchange)
        adapters = Adapters(self.house.store, broker, self._registry)
        identity = await self.house.store.identity()
        trail = Trail("pod", adapters.store.audit, metrics)
        ground = Ground("pod", Settings(), adapters, identity, metrics, trail)
        live = LiveHub()
        presence = Presence(ground, services.directory, self.blocks, live)
        pod = OnlookersPod(services, presence, self._registry, broker, live, metrics)
        await presence.watchers.start()
        self._opened.push_async_callback(presence.watchers.stop)
        presence.second_looks.start()
        self._opened.push_async_callback(presence.second_looks.stop)
        self._opened.push_async_callback(pod.tasks.close)
        self.pods.append(pod)
        return pod

    async def direct_room(self, opener: str, other: str, *writers: str) -> None:
        """Have one open a direct room, in which the ``writers`` then write."""
        services = self.pods[0].services
        command = CreateRoom(
            kind="direct", participants=(UserId(other),), client_id=ClientId(random_id())
        )
        room = (await services.rooms.create(actor(opener), command)).value
        for writer in writers:
            await services.send(writer, room.id)

    async def set_presence(self, user: str, presence: Visibility) -> None:
        """Somebody's setting, in force on every pod."""
        await self.house.store.accounts.update(UserId(user), presence=presence)
        for pod in self.pods:
            pod.services.directory.forget(UserId(user))
            pod.presence.second_looks.setting_changed(UserId(user))
