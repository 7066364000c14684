"""How long each socket may stay: until its access token ends, unless it is refreshed."""

from collections.abc import Callable
from time import time
from typing import Final

from whatchat.domain.actor import Actor
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import GrantId, SessionId
from whatchat.domain.ports.account_store import Exclusion
from whatchat.domain.signals import SessionExpiring
from whatchat.realtime.connection import Connection
from whatchat.realtime.deadlines import Deadline, Deadlines
from whatchat.realtime.hub import Hub
from whatchat.realtime.link import UNAUTHENTICATED

NOTICE_SECONDS: Final = 60


class Lifetimes:
    """Warns sockets 60 s before their token ends and closes them at its end.

    Implements :class:`~whatchat.domain.ports.live_sessions.LiveSessions`. ``clock`` gives
    seconds since 1970.
    """

    def __init__(self, *, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._alarms: dict[SessionId, Deadline] = {}
        self._hub: Hub | None = None
        self._deadlines: Deadlines | None = None

    def attach(self, hub: Hub, deadlines: Deadlines) -> None:
        """Name where the sockets are; before this none is live."""
        self._hub = hub
        self._deadlines = deadlines

    def watch(self, connection: Connection) -> None:
        """Begin to count a greeted socket's time, or begin again with its new token."""
        self.forget(connection)
        left = connection.actor.expires_at - self._clock()
        if left <= 0:
            connection.close(UNAUTHENTICATED)
        elif left <= NOTICE_SECONDS:
            connection.tell(SessionExpiring(in_seconds=round(left)))
            self._set(connection, left, lambda: connection.close(UNAUTHENTICATED))
        else:
            self._set(connection, left - NOTICE_SECONDS, lambda: self.watch(connection))

    def forget(self, connection: Connection) -> None:
        """Count no longer; harmless if it does not."""
        if alarm := self._alarms.pop(connection.session_id, None):
            alarm.cancel()

    def revoke(self, grant_id: GrantId) -> None:
        """Close every socket of a sign-in that has ended."""
        for connection in self._hub.of_grant(grant_id) if self._hub else ():
            connection.close(UNAUTHENTICATED)

    def put_out(self, exclusion: Exclusion) -> None:
        """Close a user's sockets, but those of somebody who has signed in again since."""
        user = self._hub.user(exclusion.user_id) if self._hub else None
        for connection in tuple(user.connections.values()) if user else ():
            if exclusion.voids(connection.actor.issued_at):
                connection.close(UNAUTHENTICATED)

    def extend(self, actor: Actor) -> None:
        connection = self._hub.connection(actor.session_id) if self._hub else None
        if self._hub is None or connection is None or connection.closing is not None:
            raise Unauthenticated
        self._hub.change_actor(connection, actor)
        self.watch(connection)

    def _set(self, connection: Connection, seconds: float, callback: Callable[[], None]) -> None:
        if self._deadlines is not None:
            self._alarms[connection.session_id] = self._deadlines.after(seconds, callback)
