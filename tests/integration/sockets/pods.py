"""Pods on ephemeral ports, over one store, with a toy feature beside the real ones."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import aiohttp
import socketio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.waiting import until
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor
from whatchat.domain.contract import Catalogue, Command, Endpoint, Event, Feature, Outcome
from whatchat.domain.errors import Conflict
from whatchat.domain.ids import DeviceId, GrantId, UserId, random_id
from whatchat.domain.models import View
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.times import utc_now
from whatchat.entrypoints.address import client_address
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.handshake import Handshake, HandshakePolicy
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.server import PodServer
from whatchat.entrypoints.sockets import SocketCommands
from whatchat.features.accounts.access_tokens import LIFETIME_SECONDS, AccessTokens
from whatchat.features.accounts.authenticator import TokenAuthenticator
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.keys import KeyRing
from whatchat.features.accounts.revocations import Revocations
from whatchat.features.blocking.blocks import CachedBlocks
from whatchat.features.messages import endpoints as messages
from whatchat.features.rooms import endpoints as rooms
from whatchat.features.sessions import endpoints as sessions
from whatchat.features.sessions.service import SessionService
from whatchat.observability.metrics import Metrics
from whatchat.realtime.caps import Caps
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import Transport
from whatchat.realtime.server import RealtimeServer
from whatchat.services import Adapters, Conversations, Ground
from whatchat.settings import Settings

DEFAULTS = Transport()
PEOPLE = ("ada", "bob", "eve")
KEYS = KeyRing.of_secret(b"a secret of the tests, long enough to sign")


class Echo(Command, frozen=True, kw_only=True):
    text: str
    number: float = 0


class Nothing(Command, frozen=True, kw_only=True):
    pass


class Wait(Command, frozen=True, kw_only=True):
    pass


class Echoed(View, frozen=True, kw_only=True):
    text: str
    number: float


class Toyed(Event, frozen=True, kw_only=True):
    name: ClassVar[str] = "toyed"


@dataclass
class Toys:
    """``gate`` holds up ``toy:wait``; ``seen`` is what came in, in order."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[str] = field(default_factory=list)

    async def echo(self, actor: Actor, command: Echo) -> Echoed:
        await asyncio.sleep(0)
        self.seen.append(command.text)
        return Echoed(text=command.text, number=command.number)

    async def once(self, actor: Actor, command: Echo) -> Outcome[Echoed]:
        return Outcome(Echoed(text=command.text, number=0), created=True)

    async def nothing(self, actor: Actor, command: Nothing) -> None:
        return None

    async def fail(self, actor: Actor, command: Nothing) -> None:
        raise Conflict("it is so", field="toy")

    async def wait(self, actor: Actor, command: Wait) -> None:
        await self.gate.wait()


TOYS = (
    Endpoint(Echo, Toys.echo, socket="toy:echo"),
    Endpoint(Echo, Toys.once, socket="toy:once", ack="toy"),
    Endpoint(Nothing, Toys.nothing, socket="toy:nothing"),
    Endpoint(Nothing, Toys.fail, socket="toy:fail"),
    Endpoint(Wait, Toys.wait, socket="toy:wait"),
)


def token(user_id: str, *, device: str = "phone", grant: str = "", seconds: float = 900) -> str:
    """An access token with so many seconds left."""
    at = utc_now().timestamp() + seconds - LIFETIME_SECONDS
    return AccessTokens(KEYS).issue(
        UserId(user_id),
        DeviceId(device),
        GrantId(grant or f"{user_id}-{device}"),
        jti=random_id(),
        at=utc_now().fromtimestamp(at, tz=utc_now().tzinfo),
    )


@dataclass
class Node:
    """A running pod."""

    port: int
    realtime: RealtimeServer
    toys: Toys
    revocations: Revocations
    lifetimes: Lifetimes
    metrics: Metrics

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ws_url(self, query: str = "EIO=4&transport=websocket") -> str:
        return f"ws://127.0.0.1:{self.port}/socket.io/?{query}"


class Raw:
    """A WebSocket without any client around it."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws

    async def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            await self.ws.send(packet)

    async def next(self, prefix: str = "") -> str:
        """The next packet that begins so."""
        async with asyncio.timeout(5):
            while True:
                packet = str(await self.ws.recv())
                if packet.startswith(prefix):
                    return packet

    async def connect(self, user_id: str, **options: Any) -> None:
        await self.send("40" + json.dumps({"token": token(user_id, **options)}))
        await self.next('42["session:ready"')

    async def heard(self) -> None:
        """Return once the server has read all that was sent."""
        async with asyncio.timeout(5):
            await (await self.ws.ping())

    async def closed(self) -> tuple[int | None, list[str]]:
        """The code that the server closed with, and all that came before."""
        packets = []
        async with asyncio.timeout(12):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    packets.append(str(await self.ws.recv()))
        return self.ws.close_code, packets


class Poller:
    """Long polling without any client around it."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.sid = ""
        self._http = http
        self._url = url

    async def open(self) -> dict[str, Any]:
        _, text = await self.get()
        opened: dict[str, Any] = json.loads(text[1:])
        self.sid = opened["sid"]
        self._url += f"&sid={self.sid}"
        return opened

    async def get(self) -> tuple[int, str]:
        async with self._http.get(self._url) as answer:
            return answer.status, await answer.text()

    async def post(self, body: str | bytes) -> tuple[int, str]:
        async with self._http.post(self._url, data=body) as answer:
            return answer.status, await answer.text()


class Client:
    """A stock client that notes what it hears."""

    def __init__(self) -> None:
        self._http = aiohttp.ClientSession()
        self.sio = socketio.AsyncClient(reconnection=False, http_session=self._http)
        self.heard: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        self.sio.on("*", self._hear)
        self.sio.on("connect_error", partial(self._hear, "connect_error"))

    async def _hear(self, event: str, *data: Any) -> None:
        self.heard.append((event, data[0] if data else None))
        self._news.set()

    async def connect(self, url: str, auth: Any, *, transport: str = "websocket") -> "Client":
        await self.sio.connect(url, auth=auth, transports=[transport], wait_timeout=5)
        return self

    async def close(self) -> None:
        await self.sio.disconnect()
        # The library leaves the bodies of its last answers to whoever owns the session.
        await asyncio.sleep(0.02)
        await self._http.close()

    async def ask(self, event: str, data: Any = None) -> Any:
        return await self.sio.call(event, data, timeout=5)

    async def event(self, name: str, number: int = 1) -> Any:
        """The data of the ``number``-th event of that name, once it has come."""
        async with asyncio.timeout(5):
            while len(found := [data for event, data in self.heard if event == name]) < number:
                self._news.clear()
                await self._news.wait()
        return found[number - 1]

    def names(self) -> list[str]:
        return [event for event, _ in self.heard]


@dataclass
class House:
    """One store and exchange, as many pods as a test opens, and clients of theirs."""

    store: SqliteStore
    exchange: InProcessExchange
    registry: InProcessSessionRegistry
    stack: AsyncExitStack

    async def node(
        self,
        *,
        cors_origins: tuple[str, ...] = (),
        transport: Transport = DEFAULTS,
        caps: Caps | None = None,
        limiter: Limiter | None = None,
        affinity_cookie: str = "",
    ) -> Node:
        running = _running(
            self,
            cors_origins=cors_origins,
            transport=transport,
            caps=caps,
            limiter=limiter,
            affinity_cookie=affinity_cookie,
        )
        return await self.stack.enter_async_context(running)

    async def raw(self, node: Node, *, user_id: str = "", **options: Any) -> Raw:
        """A bare WebSocket, connected as a user if one is named."""
        raw = Raw(await self.stack.enter_async_context(connect(node.ws_url())))
        await raw.next("0")
        if user_id:
            await raw.connect(user_id, **options)
        return raw

    async def poller(self, node: Node, *, user_id: str = "") -> Poller:
        """A bare polling connection, connected as a user if one is named."""
        http = await self.stack.enter_async_context(aiohttp.ClientSession())
        poller = Poller(http, f"{node.url}/socket.io/?EIO=4&transport=polling")
        await poller.open()
        if user_id:
            await poller.post("40" + json.dumps({"token": token(user_id)}))
            assert "session:ready" in (await poller.get())[1]
        return poller

    async def poller_status(self, node: Node) -> int:
        """What a newcomer that polls is answered."""
        http = await self.stack.enter_async_context(aiohttp.ClientSession())
        return (await Poller(http, f"{node.url}/socket.io/?EIO=4&transport=polling").get())[0]

    async def client(
        self, node: Node, user_id: str, *, transport: str = "websocket", **options: Any
    ) -> Client:
        """A client that has been greeted."""
        client = Client()
        self.stack.push_async_callback(client.close)
        await client.connect(node.url, {"token": token(user_id, **options)}, transport=transport)
        await client.event("session:ready")
        return client


@asynccontextmanager
async def _running(
    house: House,
    *,
    cors_origins: tuple[str, ...],
    transport: Transport,
    caps: Caps | None,
    limiter: Limiter | None,
    affinity_cookie: str,
) -> AsyncIterator[Node]:
    store, identity = house.store, await house.store.identity()
    broker = InProcessBroker(house.exchange)
    directory, metrics = CachedUserDirectory(store.accounts), Metrics()
    blocks = CachedBlocks(store.blocks)
    adapters = Adapters(store, broker, house.registry)
    trail = Trail("pod", store.audit, metrics)
    ground = Ground("pod", Settings(), adapters, identity, metrics, trail)
    conversations = Conversations(ground, directory, blocks)
    revocations = Revocations(store.accounts)
    exclusions = Exclusions(store.accounts)
    authenticator = TokenAuthenticator(AccessTokens(KEYS), revocations, exclusions)
    lifetimes, toys = Lifetimes(), Toys()
    greeter = SessionService(authenticator, lifetimes, epoch=identity.epoch)
    catalogue = Catalogue(
        [
            Feature(toys, TOYS, (Toyed,)),
            Feature(greeter, sessions.ENDPOINTS, sessions.EVENTS),
            Feature(conversations.rooms, rooms.ENDPOINTS, rooms.EVENTS),
            Feature(conversations.messages, messages.ENDPOINTS, messages.EVENTS),
        ]
    )
    policy = HandshakePolicy(cors_origins=cors_origins)
    limits = None if limiter is None else Limits(limiter, metrics, ground.trail)
    realtime = RealtimeServer(
        commands=SocketCommands(catalogue, Dispatch(metrics, limits)),
        greet=greeter.greet,
        lifetimes=lifetimes,
        authenticator=authenticator,
        broker=broker,
        rooms=store.rooms,
        room_log=conversations.log,
        registry=house.registry,
        metrics=metrics,
        pod="pod",
        address_of=partial(client_address, trusted=()),
        transport=transport,
        guard=policy.refusal,
        caps=caps,
        affinity_cookie=affinity_cookie,
    )
    conversations.log.start()
    await realtime.start()
    listener = socket.create_server(("127.0.0.1", 0))
    app = Handshake(realtime.app, policy, cors_origins=cors_origins)
    server = PodServer(
        app,
        most_connections=1_000,
        websocket=realtime.websocket,
    )
    async with _serving(server, listener):
        yield Node(listener.getsockname()[1], realtime, toys, revocations, lifetimes, metrics)
        await realtime.stop(seconds=4)
    await conversations.log.stop()
    await directory.close()
    await broker.close()


@asynccontextmanager
async def _serving(server: PodServer, listener: socket.socket) -> AsyncIterator[None]:
    serving = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    yield
    server.should_exit = True
    await serving
