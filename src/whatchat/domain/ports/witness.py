"""Who sees what happens too often for a record of each."""

from typing import Protocol

from whatchat.domain.actor import Actor
from whatchat.domain.ids import UserId


class Witness(Protocol):
    """Counts what people do. Every method costs next to nothing, and never raises."""

    def message_sent(self, user_id: UserId) -> None:
        """Somebody sent a message."""
        ...

    def connected(self, actor: Actor) -> None:
        """Somebody's socket was greeted."""
        ...
