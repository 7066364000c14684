"""The realtime layer as a whole: sockets in, commands out, announcements in, events out."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog
from msgspec.structs import replace

from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError, Unauthenticated, Unavailable
from whatchat.domain.ids import RoomId, SessionId, UserId
from whatchat.domain.ports.authenticator import Authenticator
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.room_log import RoomLog
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.session_registry import Session, SessionRegistry
from whatchat.domain.signals import ErrorRaised
from whatchat.domain.times import utc_now
from whatchat.observability.logging import hashed
from whatchat.observability.metrics import Metrics
from whatchat.realtime.admission import Admission, Greet, Prepared
from whatchat.realtime.channels import Channels
from whatchat.realtime.codec import event_frame, failure_frame, success_frame
from whatchat.realtime.connection import Connection
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.hub import Hub
from whatchat.realtime.leases import Leases
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import DRAINING, Link, Scope, Transport
from whatchat.realtime.seams import SocketServer
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

ADMISSION_SECONDS: Final = 10.0


class Commands(Protocol):
    """Runs what clients ask for over their sockets."""

    async def run(self, actor: Actor, event: str, arguments: Sequence[object]) -> bytes:
        """The answer as JSON; raises :class:`ChatError` and nothing else."""
        ...


class RealtimeServer:
    """One pod's sockets.

    ``app`` is the ASGI application for the Socket.IO path. ``lifetimes`` is the pod's
    ``LiveSessions``, made beforehand because ``commands`` need it.
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
    ) -> None:
        self._commands = commands
        self._lifetimes = lifetimes
        self._authenticator = authenticator
        self._broker = broker
        self._metrics = metrics
        self._pod = pod
        self._address_of = address_of
        self._stopping = False
        self._tasks = Tasks()
        self._deadlines = Deadlines()
        self._leases = Leases(registry)
        users, room_channels = _channels(broker, self._tasks)
        self.hub = Hub(users, room_channels)
        self._delivery = Delivery(
            self.hub, room_channels, rooms, room_log, self._deadlines, self._tasks
        )
        self._admission = Admission(self.hub, users, room_channels, rooms, self._delivery, greet)
        self._prepared: dict[SessionId, Prepared] = {}
        self._sockets = SocketServer(self, transport, self._deadlines, self._tasks)

    @property
    def app(self) -> Callable[..., Any]:
        """The ASGI application; it serves every path that it is given."""
        return self._sockets.app

    async def start(self) -> None:
        """Begin to hear the broker and to keep leases."""
        self._lifetimes.attach(self.hub, self._deadlines)
        self._authenticator.when_revoked(self._lifetimes.revoke)
        self._broker.listen(self._delivery.accept)
        self._tasks.spawn(self._leases.run(), name="leases")

    async def stop(self, *, seconds: float = 10.0) -> None:
        """Refuse newcomers, finish what was asked for, and send everybody elsewhere.

        Takes ``seconds`` at most; clients are told to resume.
        """
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds / 2):
                await self._sockets.idle()
        try:
            async with asyncio.timeout(seconds / 2):
                await self._sockets.close(DRAINING)
                await self._leases.settle()
        except (TimeoutError, ChatError):
            log.warning("sockets were cut off", sockets=len(self.hub))
        self._deadlines.close()
        await self._tasks.close()

    # What the transport asks of us.

    def is_open(self) -> bool:
        """Whether newcomers are taken."""
        return not self._stopping

    async def admit(
        self, link: Link, session_id: SessionId, auth: object, scope: Scope
    ) -> Connection:
        """Let a client in that sent CONNECT. Raises what is wrong with it or with us."""
        if self._stopping:
            raise Unavailable
        actor = self._authenticator.authenticate(_token(auth), self._address_of(scope))
        connection = Connection(replace(actor, session_id=session_id), link)
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
        self._leases.enter(session)
        self._lifetimes.watch(connection)
        self._metrics.connects.inc()
        self._metrics.connected_sockets.inc()
        log.info("connected", **_named(connection))

    async def command(
        self, connection: Connection, event: str, arguments: Sequence[object], ack_id: int | None
    ) -> None:
        """Run a command and tell its outcome, by ack or, if it failed without one, by event."""
        try:
            answer = await self._commands.run(connection.actor, event, arguments)
        except ChatError as error:
            self._refuse(connection, event, error, ack_id)
        else:
            if ack_id is not None:
                connection.send(success_frame(ack_id, answer))

    def gone(self, connection: Connection, reason: str) -> None:
        """Forget a client; harmless if that has happened."""
        self._prepared.pop(connection.session_id, None)
        if not self.hub.remove(connection):
            return
        self._lifetimes.forget(connection)
        self._leases.leave(connection.session_id)
        self._metrics.connected_sockets.dec()
        if connection.closing is not None:
            self._metrics.refusals.labels(str(connection.closing.code)).inc()
        log.info("disconnected", reason=reason, **_named(connection))

    def refused(self, error: ChatError) -> None:
        """Count a client that was not let in."""
        self._metrics.refusals.labels(error.code).inc()

    def _refuse(
        self, connection: Connection, event: str, error: ChatError, ack_id: int | None
    ) -> None:
        if ack_id is not None:
            connection.send(failure_frame(ack_id, msgspec.json.encode(error.body())))
        else:
            payload = msgspec.json.encode(error.body(event))
            connection.send(event_frame(ErrorRaised.name, payload))


def _channels(broker: Broker, tasks: Tasks) -> tuple[Channels[UserId], Channels[RoomId]]:
    async def subscribe_users(user_ids: Sequence[UserId]) -> None:
        await asyncio.gather(*map(broker.subscribe_user, user_ids))

    async def unsubscribe_users(user_ids: Sequence[UserId]) -> None:
        await asyncio.gather(*map(broker.unsubscribe_user, user_ids))

    users = Channels(subscribe_users, unsubscribe_users, tasks)
    return users, Channels(broker.subscribe_rooms, broker.unsubscribe_rooms, tasks)


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
