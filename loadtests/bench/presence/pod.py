"""A pod without a network: its rooms, its presence, and sockets that only count."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from whatchat.adapters.mongo.store import MongoStore
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.opening import servers_of
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.adapters.redis.url import parse
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement
from whatchat.domain.ids import ClientId, DeviceId, GrantId, RoomId, SessionId, UserId, random_id
from whatchat.domain.ports.session_registry import Session
from whatchat.domain.signals import SessionMoving
from whatchat.domain.tasks import ended
from whatchat.domain.times import utc_now
from whatchat.features.messages.contract import SendMessage
from whatchat.features.presence.contract import StatusChanged
from whatchat.features.rooms.contract import CreateRoom
from whatchat.observability.metrics import Metrics
from whatchat.realtime.channels import Channels
from whatchat.realtime.connection import Connection
from whatchat.realtime.deliveries import Deliveries
from whatchat.realtime.engine import OUTBOX_BYTES
from whatchat.realtime.fanout import Fanout
from whatchat.realtime.frame import Frame
from whatchat.realtime.hub import Hub
from whatchat.realtime.leases import Leases
from whatchat.realtime.link import Closing
from whatchat.realtime.outflow import Flusher
from whatchat.realtime.tasks import Tasks
from whatchat.services import Adapters, Conversations, Ground, People, Presence
from whatchat.settings import Settings

GREETING: Final = SessionMoving(reconnect_after_ms=0)
TALKER: Final = UserId("talker")


class CountingLink:
    """A client that reads at once; ``frames`` is how much it was sent."""

    transport = "websocket"
    congested = False
    buffered = 0
    opened_at = 0.0
    round_trip = None

    def __init__(self) -> None:
        self.frames = 0

    def write(self, _frame: Frame) -> None:
        """Count it."""
        self.frames += 1

    def shut(self, closing: Closing) -> None:
        """Nothing to do."""


class BenchPod:
    """Opened by :meth:`open`; ``told`` counts the statuses that were published."""

    def __init__(self, opened: AsyncExitStack) -> None:
        self.told = 0
        self.metrics = Metrics()
        self._opened = opened
        self._tasks = Tasks()
        self._sockets: list[Connection] = []

    async def open(self, store_url: str, redis_url: str) -> None:
        """Connect to everything, and begin to tell of whoever comes."""
        store = MongoStore(store_url)
        await store.open()
        self._opened.push_async_callback(store.close)
        servers = servers_of(parse(redis_url), self.metrics)
        await servers.start()
        self._opened.push_async_callback(servers.close)
        broker = RedisBroker(servers, Keys(), self.metrics, (await store.identity()).secret)
        await broker.start()
        self._opened.push_async_callback(broker.close)
        registry = RedisSessionRegistry(servers, Keys(), grace_seconds=0.1)
        settings = Settings.model_validate({"jwt_secret": "of a benchmark, long enough for keys"})
        adapters = Adapters(store, broker, registry)
        trail = Trail("bench", store.audit, self.metrics)
        ground = Ground("bench", settings, adapters, await store.identity(), self.metrics, trail)
        people = People(ground)
        self._opened.push_async_callback(people.directory.close)
        await people.blocks.start()
        self._opened.push_async_callback(people.blocks.stop)
        self._conversations = Conversations(ground, people.directory, people.blocks)
        self._conversations.log.start()
        self._opened.push_async_callback(self._conversations.log.stop)
        users = Channels(broker.subscribe_users, broker.unsubscribe_users, self._tasks)
        rooms = Channels(broker.subscribe_rooms, broker.unsubscribe_rooms, self._tasks)
        self._users, self._hub = users, Hub(users, rooms)
        self._conversations.live.attach(self._hub)
        self._fanout = Fanout(self._hub, Deliveries(self.metrics, Flusher(OUTBOX_BYTES)))
        broker.listen(self._hear)
        self._leases = Leases(registry)
        leases = self._tasks.spawn(self._leases.run(), name="leases")
        self._opened.push_async_callback(ended, leases)
        live = self._conversations.live
        presence = Presence(ground, people.directory, people.blocks, live)
        await presence.start()
        self._opened.push_async_callback(presence.stop)
        self._room = await self._talkers_room()

    async def connect(self, user_ids: Sequence[UserId]) -> None:
        """Have sockets for these people, whose channels are subscribed."""
        for user_id in user_ids:
            connection = Connection(_actor(user_id), CountingLink())
            connection.greet(GREETING, {}, set())
            self._hub.add(connection)
            self._sockets.append(connection)
        await self._users.settle()

    def come(self) -> None:
        """Enter all these sockets into the registry."""
        for one in self._sockets:
            session = Session(
                session_id=one.session_id,
                user_id=one.actor.user_id,
                device_id=one.actor.device_id,
                pod="bench",
                since=utc_now(),
            )
            self._leases.enter(session)

    def go(self) -> None:
        """Take every other of them out."""
        for one in self._sockets[::2]:
            self._leases.leave(one.session_id)

    async def say(self) -> None:
        """Send a message."""
        command = SendMessage(room_id=self._room, client_id=_client_id(), content="Hello")
        await self._conversations.messages.send(_actor(TALKER), command)

    def _hear(self, announcement: Announcement) -> None:
        self.told += announcement.event == StatusChanged.name
        self._fanout.deliver(announcement)

    async def _talkers_room(self) -> RoomId:
        command = CreateRoom(kind="group", name="Talk", participants=(), client_id=_client_id())
        return (await self._conversations.rooms.create(_actor(TALKER), command)).value.id


def _client_id() -> ClientId:
    return ClientId(random_id())


def _actor(user_id: UserId) -> Actor:
    return Actor(
        user_id=user_id,
        device_id=DeviceId("device"),
        grant_id=GrantId(f"{user_id}-grant"),
        expires_at=2**40,
        address="127.0.0.1",
        session_id=SessionId(random_id()),
    )
