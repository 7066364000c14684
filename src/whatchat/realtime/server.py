"""The realtime layer as a whole: sockets in, commands out, announcements in, events out."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from msgspec.structs import replace

from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError, RateLimited, Unauthenticated, Unavailable
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.ports.authenticator import Authenticator
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.room_log import RoomLog
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.session_registry import Session, SessionRegistry
from whatchat.domain.times import utc_now
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.observability.logging import hashed
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import OFF, Tracing
from whatchat.realtime.admission import Admission, Greet, Prepared
from whatchat.realtime.answering import Answering
from whatchat.realtime.caps import Caps, OnHit, Patience, Turnstile
from whatchat.realtime.chat_sockets import ChatSockets
from whatchat.realtime.commands import Commands
from whatchat.realtime.connection import Connection
from whatchat.realtime.counting import SocketCounts
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.deliveries import Deliveries
from whatchat.realtime.delivery_spans import DeliverySpans
from whatchat.realtime.downstream import Downstream
from whatchat.realtime.drain import CUT_OFF_SECONDS, Drain
from whatchat.realtime.engine import Engine, Guard
from whatchat.realtime.inspection import HubInspection
from whatchat.realtime.interpreter import InterpretedLink, Interpreters
from whatchat.realtime.leases import Leases
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import DRAINING, Link, Scope, Transport
from whatchat.realtime.live_hub import LiveHub
from whatchat.realtime.moving import Moving
from whatchat.realtime.polling_app import PollingApplication
from whatchat.realtime.refusals import Refusal
from whatchat.realtime.returning import Returning
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

ADMISSION_SECONDS: Final = 10.0
RETRY_AFTER_MS: Final = 5_000


class RealtimeServer:
    """One pod's sockets.

    ``app`` is the ASGI application for clients that poll, ``websocket`` is for uvicorn's
    ``ws`` setting; ``guard`` turns requests away from both. ``lifetimes`` is the pod's
    ``LiveSessions``, made beforehand because ``commands`` need it, as is ``live``, which
    knows who is connected; ``inspection`` looks into all that, and ``flights`` is what remembers.
    ``caps`` of ``None`` are none; ``told`` hears who comes to them. ``moving`` sends sockets to
    other pods, and ``returning`` knows who comes back; ``affinity_cookie`` is the proxy's.
    """

    def __init__(
        self,
        *,
        commands: Commands,
        greet: Greet,
        lifetimes: Lifetimes,
        authenticator: Authenticator,
        broker: Broker,
        rooms: RoomStore,
        room_log: RoomLog,
        registry: SessionRegistry,
        metrics: Metrics,
        pod: str,
        address_of: Callable[[Scope], str],
        transport: Transport,
        guard: Guard = lambda _scope: None,
        caps: Caps | None = None,
        told: OnHit = lambda _limit, _dimension, _caller: None,
        live: LiveHub | None = None,
        flights: FlightRecorder | None = None,
        tracing: Tracing = OFF,
        affinity_cookie: str = "",
    ) -> None:
        self._lifetimes = lifetimes
        self._live = live or LiveHub()
        flights = flights or FlightRecorder()
        self._authenticator = authenticator
        self._counts = counts = SocketCounts(metrics)
        self._pod = pod
        self._caps = caps = caps or Caps()
        self._turnstile = Turnstile(caps, told)
        self.returning = Returning(affinity_cookie)
        self._patience = Patience(caps.impatience, told)
        self._answering = Answering(commands, self._patience)
        self._stopping = False
        self._interpreters = Interpreters()
        self._tasks = Tasks()
        self._deadlines = Deadlines()
        self.leases = Leases(registry)
        self._sockets = ChatSockets(
            self,
            lambda listener: Engine(
                listener,
                transport,
                guard=guard,
                address_of=address_of,
                per_network=caps.per_network,
                turn_away=self._turned_away,
                turned_away=counts.turned_away,
                trips=counts.answered,
                affinity_cookie=affinity_cookie,
            ),
            self._tasks,
        )
        engine = self._sockets.engine
        self._deliveries = Deliveries(metrics, engine.flusher)
        self._downstream = down = Downstream(
            broker,
            rooms,
            room_log,
            self._deadlines,
            self._tasks,
            self._deliveries,
            flights,
            DeliverySpans(tracing, engine.flusher),
        )
        self.hub = down.hub
        self.moving = Moving(self.hub, self._sockets.finish, counts.cut_off)
        self.inspection = HubInspection(pod, self.hub, self.leases, down.rooms, flights)
        self._admission = Admission(self.hub, down.users, down.rooms, rooms, down.delivery, greet)
        metrics.when_scraped(lambda: counts.measure(engine.sessions.values(), self.hub))
        self._prepared: dict[SessionId, Prepared] = {}
        self.app = PollingApplication(engine, self._tasks)
        self.websocket: Callable[..., Any] = engine.websocket

    def look_again(self, user_id: UserId) -> None:
        """See to it that a user with sockets here is in the rooms that the store has for it."""
        self._downstream.repair.look_again(user_id)

    async def start(self) -> None:
        """Begin to hear the broker and to keep leases."""
        self._lifetimes.attach(self.hub, self._deadlines)
        self._live.attach(self.hub, self._deliveries)
        self._authenticator.when_revoked(self._lifetimes.revoke)
        self._downstream.start()
        self._tasks.spawn(self.leases.run(), name="leases")

    async def stop(self, *, seconds: float) -> None:
        """Refuse newcomers, and send everybody elsewhere over ``seconds``.

        What was asked for is done; see :class:`~whatchat.realtime.moving.Moving`. May be
        called again, also when a call was broken off: for whoever is left.
        """
        self._stopping = self._counts.draining = True
        await Drain(self.hub, self.moving, seconds=seconds).run()
        try:
            async with asyncio.timeout(CUT_OFF_SECONDS):
                await self._sockets.close(DRAINING)
                await self.leases.settle()
        except (TimeoutError, ChatError):
            log.warning("sockets were cut off", sockets=len(self.hub))
            self._counts.cut_off(len(self.hub))
        self._counts.draining = False
        self._sockets.engine.stop()
        self._deadlines.close()
        await self._tasks.close()

    # What the transport asks of us.

    def is_open(self) -> bool:
        """Whether newcomers are taken."""
        return not self._stopping

    async def admit(
        self, link: Link, session_id: SessionId, auth: object, address: str
    ) -> Connection:
        """Let a client in that sent CONNECT. Raises what is wrong with it or with us."""
        if self._stopping:
            raise Unavailable
        actor = await self._authenticator.authenticate(_token(auth), address)
        self._require_room(actor)
        self._patience.require(actor)
        self._turnstile.connect(actor)
        actor = replace(actor, session_id=session_id)
        interpreter = self._interpreters.asked_for(auth)
        if interpreter is not None:
            link = InterpretedLink(link, interpreter)
        connection = Connection(actor, link, interpreter)
        try:
            async with asyncio.timeout(ADMISSION_SECONDS):
                self._prepared[session_id] = await self._admission.prepare(connection)
        except TimeoutError:
            raise Unavailable from None
        return connection

    def opened(self, connection: Connection) -> None:
        """Greet a client that was told that it is connected."""
        self._admission.open(connection, self._prepared.pop(connection.session_id))
        actor = connection.actor
        session = Session(
            session_id=connection.session_id,
            user_id=actor.user_id,
            device_id=actor.device_id,
            pod=self._pod,
            since=utc_now(),
        )
        self.leases.enter(session)
        self._lifetimes.watch(connection)
        self._counts.opened(connection)
        log.info("connected", **_named(connection))

    def begin(
        self, connection: Connection, event: str, arguments: Sequence[object], ack_id: int | None
    ) -> bool:
        return self._answering.begin(connection, event, arguments, ack_id)

    async def command(
        self, connection: Connection, event: str, arguments: Sequence[object], ack_id: int | None
    ) -> None:
        await self._answering.run(connection, event, arguments, ack_id)

    def gone(self, connection: Connection, reason: str) -> None:
        """Forget a client; harmless if that has happened."""
        self._prepared.pop(connection.session_id, None)
        self._patience.forget(connection)
        if self.hub.connection(connection.session_id) is None:
            return
        self.inspection.goes(connection, reason)
        self.hub.remove(connection)
        self._live.gone(connection.actor.user_id, connection.session_id)
        self._lifetimes.forget(connection)
        self.leases.leave(connection.session_id)
        self._counts.gone(connection)
        code = connection.closing.code if connection.closing else None
        log.info("disconnected", reason=reason, code=code, **_named(connection))

    def refused(self, error: ChatError) -> None:
        """Count a client that was not let in."""
        self._counts.refused(error)

    def _turned_away(self, address: str) -> Refusal | None:
        return self.returning.refusal(address) or self._turnstile.handshake(address)

    def _require_room(self, actor: Actor) -> None:
        user = self.hub.user(actor.user_id)
        most = self._caps.per_user
        if most is not None and user is not None and len(user.connections) >= most:
            raise RateLimited("too many connections", retry_after_ms=RETRY_AFTER_MS)


def _token(auth: object) -> str:
    token = auth.get("token") if isinstance(auth, dict) else None
    if not isinstance(token, str):
        raise Unauthenticated
    return token


def _named(connection: Connection) -> dict[str, str]:
    return {
        "socket": hashed(connection.session_id),
        "user_id": connection.actor.user_id,
        "transport": connection.transport,
    }
