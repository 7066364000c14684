"""Where security-relevant acts are told."""

from collections.abc import Callable, Sequence
from typing import Protocol

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act, Party, Record


class AuditTrail(Protocol):
    """Keeps a record of each act, with the trace under way.

    Acts that a command does are recorded before it is answered; many records share a write.
    """

    async def record(self, who: Actor | Visitor | Party, *acts: Act) -> None:
        """Durable on return. Raises ``Unavailable`` if it cannot be: repeat the command."""
        ...

    def mention(self, who: Actor | Visitor | Party, act: Act) -> None:
        """Durable soon, for what nobody may wait for. Alike ones may be counted in one record.

        Above a bound they are dropped, and their number is recorded.
        """
        ...

    def listen(self, notify: Callable[[Sequence[Record]], None]) -> None:
        """Name what is called, on the event loop, with records that this pod makes."""
        ...
