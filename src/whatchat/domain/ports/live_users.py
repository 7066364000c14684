"""The people who have sockets on this pod."""

from collections.abc import Callable
from typing import Protocol

from whatchat.domain.ids import UserId


class LiveUsers(Protocol):
    """Tells of people whose sockets here are gone."""

    def when_gone(self, notify: Callable[[UserId], None]) -> None:
        """Name what is called, on the event loop, for each user whose last socket here is gone."""
        ...
