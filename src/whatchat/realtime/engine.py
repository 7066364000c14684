"""The Engine.IO server (protocol version 4), without any library's protocol code."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final, Protocol
from urllib.parse import parse_qsl

from whatchat.domain.ids import random_id
from whatchat.domain.networks import network_of
from whatchat.realtime.frame import Frame, plain_frame
from whatchat.realtime.heartbeat import Heartbeat
from whatchat.realtime.link import MALFORMED, SLOW_CONSUMER, Closing, Scope, Transport
from whatchat.realtime.outflow import Flusher
from whatchat.realtime.polling import Polling
from whatchat.realtime.probe import Probe
from whatchat.realtime.refusals import (
    BAD_REQUEST,
    NOT_NOW,
    SESSION_UNKNOWN,
    TOO_MANY,
    TRANSPORT_UNKNOWN,
    UNSUPPORTED_VERSION,
    Refusal,
)
from whatchat.realtime.seams import FrameParsers
from whatchat.realtime.session import PING, Carrier, Session
from whatchat.realtime.websocket import WebSocketProtocol
from whatchat.realtime.wheel import Wheel

OUTBOX_BYTES: Final = 1024 * 1024
"""A client that leaves more unread is closed."""

PROBE_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 10.0

Guard = Callable[[Scope], Refusal | None]
"""Why a request is turned away before it is looked at any closer, if it is."""


class Listener(Protocol):
    """Hears of the engine's sessions, one thing at a time; must not block."""

    def is_open(self) -> bool:
        """Whether newcomers are taken."""
        ...

    def opened(self, session: Session, scope: Scope) -> None:
        """A client has shaken hands."""
        ...

    def received(self, session: Session, message: str | bytes) -> None:
        """A client has sent a message; see :meth:`Session.pause` where they are too many."""
        ...

    def ended(self, session: Session, reason: str) -> None:
        """A client is gone."""
        ...


class Engine:
    """All sessions of a pod, and what they have in common.

    ``per_network`` caps how many sessions one network may hold, and ``turn_away`` says why no
    newcomer is taken from an address now, if it is so; ``turned_away`` hears of each request
    that was not served, ``trips`` of the seconds from each ping to its answer. Whoever comes when
    the pod takes nobody is to forget the proxy's ``affinity_cookie``. Requests that
    poll come through a ``PollingApplication``, WebSockets through :meth:`websocket`, which is
    for uvicorn's ``ws`` setting; they are served at ``path`` alone.
    """

    def __init__(
        self,
        listener: Listener,
        transport: Transport,
        *,
        path: str = "/socket.io/",
        guard: Guard = lambda _scope: None,
        address_of: Callable[[Scope], str] = lambda scope: str((scope.get("client") or ("?",))[0]),
        per_network: int | None = None,
        turn_away: Callable[[str], Refusal | None] = lambda _address: None,
        turned_away: Callable[[Refusal], None] = lambda _refusal: None,
        trips: Callable[[float], None] = lambda _seconds: None,
        outbox_bytes: int = OUTBOX_BYTES,
        affinity_cookie: str = "",
    ) -> None:
        self.listener = listener
        self.paths = frozenset((path, path.rstrip("/")))
        self.max_payload = transport.max_payload_bytes
        self.sessions: dict[str, Session] = {}
        self.flusher = Flusher(outbox_bytes)
        self.parsers = FrameParsers(transport.max_payload_bytes)
        self.heartbeat: Heartbeat[Session] = Heartbeat(
            transport.ping_interval_ms / 1000,
            transport.ping_timeout_ms / 1000,
            ping=self._ping,
            lost=lambda session: session.dismiss(SLOW_CONSUMER),
            paused=lambda session: session.paused,
        )
        self.ending: Wheel[Carrier] = Wheel(CLOSE_SECONDS, lambda carrier: carrier.abort())
        self.patience: Wheel[Session] = Wheel(
            PAUSE_SECONDS, lambda session: session.dismiss(SLOW_CONSUMER)
        )
        self.probing: Wheel[Probe] = Wheel(PROBE_SECONDS, lambda probe: probe.dismiss(MALFORMED))
        self._guard = guard
        self._address_of = address_of
        self._per_network = per_network
        self._turn_away = turn_away
        self.turned_away = turned_away
        self._trips = trips
        self._not_now = NOT_NOW._replace(forget=affinity_cookie)
        self._networks: dict[str, int] = {}
        self._emptied: asyncio.Event | None = None
        self._open = (
            f'"pingInterval":{transport.ping_interval_ms},'
            f'"pingTimeout":{transport.ping_timeout_ms},'
            f'"maxPayload":{transport.max_payload_bytes}}}'
        )

    def websocket(self, **uvicorn: object) -> WebSocketProtocol:
        """A protocol for one WebSocket; uvicorn calls this for every request to upgrade."""
        return WebSocketProtocol(self, **uvicorn)

    def refusal(self, scope: Scope, transport: str) -> Refusal | None:
        """Why a request cannot be served; also for a session that is not there."""
        if refusal := self._guard(scope):
            return refusal
        query = query_of(scope)
        if query.get("EIO") != "4":
            return UNSUPPORTED_VERSION
        if (wanted := query.get("transport")) != transport:
            return BAD_REQUEST if wanted in {"polling", "websocket"} else TRANSPORT_UNKNOWN
        if "sid" in query:
            return None if query["sid"] in self.sessions else SESSION_UNKNOWN
        if not self.listener.is_open():
            return self._not_now
        address = self._address_of(scope)
        return TOO_MANY if self._is_crowded(address) else self._turn_away(address)

    def open(self, scope: Scope, carrier: Carrier) -> Session:
        """Begin a session."""
        sid, address = random_id(), self._address_of(scope)
        session = self.sessions[sid] = Session(self, sid, carrier, address)
        if self._per_network is not None:
            network = network_of(address)
            self._networks[network] = self._networks.get(network, 0) + 1
        session.write(self._handshake(sid, carrier))
        self.heartbeat.start(session)
        self.listener.opened(session, scope)
        return session

    def answered(self, session: Session) -> None:
        """A client has answered a ping, or says so."""
        if self.heartbeat.answered(session):
            session.round_trip = monotonic() - session.pinged_at
            session.pinged_at = 0.0
            self._trips(session.round_trip)

    def connect(self, scope: Scope, socket: WebSocketProtocol) -> None:
        """Take a WebSocket that has shaken hands: a session of its own, or an upgrade."""
        sid = query_of(scope).get("sid")
        if sid is None:
            self.open(scope, socket)
            return
        session = self.sessions[sid]
        probe = Probe(session, socket)
        socket.sink = probe
        if Probe.may_begin(session):
            session.probe = probe
            self.probing.put(probe)
        else:
            probe.dismiss(MALFORMED)

    def closes(self, session: Session) -> None:
        """A session begins to close."""
        self.heartbeat.stop(session)
        self.patience.drop(session)
        if session.probe is not None:
            session.probe.dismiss(MALFORMED)

    def forget(self, session: Session, reason: str) -> None:
        """A session is over."""
        self.closes(session)
        del self.sessions[session.sid]
        self._leave_address(session.address)
        self.listener.ended(session, reason)
        if not self.sessions and self._emptied is not None:
            self._emptied.set()

    async def close(self, closing: Closing) -> None:
        """Close every session; return once all are gone."""
        self._emptied = asyncio.Event()
        for session in tuple(self.sessions.values()):
            session.dismiss(closing)
        if self.sessions:
            await self._emptied.wait()

    def stop(self) -> None:
        """Let no timer fire any more."""
        self.heartbeat.close()
        for wheel in (self.ending, self.patience, self.probing):
            wheel.close()

    def _ping(self, session: Session) -> None:
        session.pinged_at = monotonic()
        session.write(PING)

    def _handshake(self, sid: str, carrier: Carrier) -> Frame:
        upgrades = '["websocket"]' if carrier.name == Polling.name else "[]"
        return plain_frame(f'0{{"sid":"{sid}","upgrades":{upgrades},{self._open}')

    def _is_crowded(self, address: str) -> bool:
        return self._per_network is not None and (
            self._networks.get(network_of(address), 0) >= self._per_network
        )

    def _leave_address(self, address: str) -> None:
        if self._per_network is None:
            return
        network = network_of(address)
        left = self._networks[network] - 1
        if left:
            self._networks[network] = left
        else:
            del self._networks[network]


def query_of(scope: Scope) -> Mapping[str, str]:
    """The request's query; of what is there twice, the last."""
    query = scope.get("whatchat.query")
    if query is None:
        text = scope["query_string"].decode("latin-1")
        query = scope["whatchat.query"] = dict(parse_qsl(text, keep_blank_values=True))
    found: Mapping[str, str] = query
    return found
