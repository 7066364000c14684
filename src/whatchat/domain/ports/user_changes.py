"""Who changed what others see of them, or let others see."""

from collections.abc import Callable
from typing import Protocol

from whatchat.domain.ids import UserId


class UserChanges(Protocol):
    """Says whose name or settings changed, on any pod, within two seconds.

    With or without a broker, for as long as the store answers. By then the directory has
    forgotten them.
    """

    def listen(self, notify: Callable[[UserId], None]) -> None:
        """Name what is called, on the event loop, with whoever has changed; once a change."""
        ...
