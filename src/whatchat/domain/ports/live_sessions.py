"""The sockets that are connected to this pod."""

from typing import Protocol

from whatchat.domain.actor import Actor


class LiveSessions(Protocol):
    """Reaches a live socket of this pod by the session that its commands carry."""

    def extend(self, actor: Actor) -> None:
        """Let the socket of ``actor.session_id`` act as ``actor`` from its next command on.

        It stays open until the new ``expires_at``. Raises ``Unauthenticated`` if there is
        no such socket any more.
        """
        ...
