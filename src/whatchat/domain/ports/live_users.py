"""The people who have sockets on this pod."""

from collections.abc import Callable, Sequence
from typing import Protocol

from whatchat.domain.contract import Event
from whatchat.domain.ids import SessionId, UserId


class LiveUsers(Protocol):
    """Reaches people's sockets here, and tells of those that are gone."""

    def sessions_of(self, user_id: UserId) -> Sequence[SessionId]:
        """The user's sockets here."""
        ...

    def tell(self, session_ids: Sequence[SessionId], event: Event) -> None:
        """Tell some sockets what is worth something only at once; harmless if one is gone."""
        ...

    def when_session_gone(self, notify: Callable[[SessionId], None]) -> None:
        """Name what is called, on the event loop, for each socket here that is gone."""
        ...

    def when_gone(self, notify: Callable[[UserId], None]) -> None:
        """Name what is called, on the event loop, for each user whose last socket here is gone."""
        ...
