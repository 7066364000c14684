"""What features may know of a pod's sockets."""

from collections.abc import Callable, Sequence

import structlog

from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.ports.live_rooms import Post
from whatchat.realtime.hub import Hub

log = structlog.get_logger()


class LiveHub:
    """Implements the ports ``LiveRooms`` and ``LiveUsers``.

    It is made before the hub, as services need it; until a hub is attached nobody is live.
    """

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._notified: list[Callable[[UserId], None]] = []

    def attach(self, hub: Hub) -> None:
        """Name where the sockets are."""
        self._hub = hub

    def head(self, room_id: RoomId) -> Rev | None:
        room = self._hub.room(room_id) if self._hub else None
        return room.feed.position if room is not None and room.feed.started else None

    def is_member(self, room_id: RoomId, user_id: UserId) -> bool:
        user = self._hub.user(user_id) if self._hub else None
        return user is not None and room_id in user.rooms

    def posts(self, room_id: RoomId, *, after: Seq, upto: Seq) -> Sequence[Post] | None:
        room = self._hub.room(room_id) if self._hub else None
        return room.posts(after, upto) if room is not None else None

    def when_gone(self, notify: Callable[[UserId], None]) -> None:
        self._notified.append(notify)

    def gone(self, user_id: UserId) -> None:
        """A socket of the user is gone: tell whom it concerns if it was the last one."""
        if self._hub is not None and self._hub.user(user_id) is not None:
            return
        for notify in self._notified:
            try:
                notify(user_id)
            except Exception:
                # What one listener gets wrong is no matter of the others.
                log.exception("a user's leaving was not taken")
