"""What features may know of a pod's sockets."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import structlog

from whatchat.domain.contract import Event
from whatchat.domain.ids import Rev, RoomId, Seq, SessionId, UserId
from whatchat.domain.ports.live_rooms import Post
from whatchat.realtime.codec import frame_of
from whatchat.realtime.deliveries import Deliveries
from whatchat.realtime.hub import Hub

log = structlog.get_logger()

T = TypeVar("T")


class LiveHub:
    """Implements the ports ``LiveRooms`` and ``LiveUsers``.

    It is made before the hub, as services need it; until a hub is attached nobody is live.
    """

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._deliveries: Deliveries | None = None
        self._notified: list[Callable[[UserId], None]] = []
        self._of_sessions: list[Callable[[SessionId], None]] = []

    def attach(self, hub: Hub, deliveries: Deliveries | None = None) -> None:
        """Name where the sockets are, and who counts what is written to them."""
        self._hub = hub
        self._deliveries = deliveries

    def head(self, room_id: RoomId) -> Rev | None:
        room = self._hub.room(room_id) if self._hub else None
        return room.feed.position if room is not None and room.feed.started else None

    def is_member(self, room_id: RoomId, user_id: UserId) -> bool:
        user = self._hub.user(user_id) if self._hub else None
        return user is not None and room_id in user.rooms

    def posts(self, room_id: RoomId, *, after: Seq, upto: Seq) -> Sequence[Post] | None:
        room = self._hub.room(room_id) if self._hub else None
        return room.posts(after, upto) if room is not None else None

    def sessions_of(self, user_id: UserId) -> Sequence[SessionId]:
        user = self._hub.user(user_id) if self._hub else None
        return tuple(user.connections) if user is not None else ()

    def tell(self, session_ids: Sequence[SessionId], event: Event) -> None:
        if self._hub is None or not session_ids:
            return
        frame = frame_of(event)
        connections = list(filter(None, map(self._hub.connection, session_ids)))
        told = sum(connection.deliver(frame, volatile=True) for connection in connections)
        if self._deliveries is not None:
            self._deliveries.fanned_out(event.name, told)
            self._deliveries.dropped(len(connections) - told)

    def when_session_gone(self, notify: Callable[[SessionId], None]) -> None:
        self._of_sessions.append(notify)

    def when_gone(self, notify: Callable[[UserId], None]) -> None:
        self._notified.append(notify)

    def gone(self, user_id: UserId, session_id: SessionId) -> None:
        """A socket of the user is gone: tell whom it concerns, also if it was the last one."""
        _notify(self._of_sessions, session_id)
        if self._hub is None or self._hub.user(user_id) is None:
            _notify(self._notified, user_id)


def _notify(listeners: Iterable[Callable[[T], None]], who: T) -> None:
    for notify in listeners:
        try:
            notify(who)
        except Exception:
            # What one listener gets wrong is no matter of the others.
            log.exception("a leaving was not taken")
