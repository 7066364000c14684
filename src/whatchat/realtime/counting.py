"""What is counted of sockets: how they come, how they are, how they go."""

from collections import Counter
from collections.abc import Iterable
from time import monotonic
from typing import Final

from whatchat.domain.errors import ChatError
from whatchat.observability.metrics import Metrics
from whatchat.realtime.connection import Connection
from whatchat.realtime.hub import Hub
from whatchat.realtime.refusals import SESSION_UNKNOWN, Refusal
from whatchat.realtime.session import Session

TRANSPORTS: Final = ("websocket", "polling")


class SocketCounts:
    """One pod's. ``draining``: its sockets are on their way to others."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.draining = False

    def turned_away(self, refusal: Refusal) -> None:
        """A request was not served; most of them are handshakes."""
        if refusal is SESSION_UNKNOWN:
            self._metrics.unknown_sessions.inc()
        else:
            self._metrics.refusals.labels(refusal.reason or str(refusal.status)).inc()

    def refused(self, error: ChatError) -> None:
        """A CONNECT was refused."""
        self._metrics.refusals.labels(error.code).inc()

    def opened(self, connection: Connection) -> None:
        """A socket was let in, and greeted."""
        self._metrics.connects.labels(connection.transport).inc()
        self._metrics.connect_seconds.observe(monotonic() - connection.opened_at)

    def answered(self, seconds: float) -> None:
        """A ping was answered after so long."""
        self._metrics.heartbeat_seconds.observe(seconds)

    def gone(self, connection: Connection) -> None:
        """A socket that was let in is gone."""
        code = connection.closing.code if connection.closing else None
        self._metrics.closes.labels(str(code or "client")).inc()

    def cut_off(self, sockets: int) -> None:
        """So many were closed with commands unanswered, or left when the drain's time was over."""
        self._metrics.drain_cut_off.inc(sockets)

    def measure(self, sessions: Iterable[Session], hub: Hub) -> None:
        """Set what is so now; for 10,000 sessions in a few milliseconds."""
        metrics = self._metrics
        by_transport: Counter[str] = Counter()
        unread = congested = 0
        for session in sessions:
            carrier = session.carrier
            if session.connection is not None:
                by_transport[carrier.name] += 1
            if waiting := carrier.buffered:
                unread += waiting
                congested += carrier.congested
        for transport in TRANSPORTS:
            metrics.connected_sockets.labels(transport).set(by_transport[transport])
        metrics.outbox_bytes.set(unread)
        metrics.congested_sockets.set(congested)
        metrics.local_rooms.set(len(hub.room_ids()))
        metrics.local_users.set(len(hub.user_ids()))
        metrics.draining.set(self.draining)
        metrics.drain_sockets_left.set(len(hub) if self.draining else 0)
