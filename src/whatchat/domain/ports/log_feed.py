"""What every pod writes, for those who work in the background."""

from collections.abc import Sequence
from typing import Protocol

from whatchat.domain.ports.work_queue import Job


class LogFeed(Protocol):
    """Every entry of every room, in the order in which the store made them durable.

    Guarantees: whoever reads on from the last job it was given, from a place before it, or
    from the bookmark, is given every entry behind that, however long ago it was; some may
    come twice, and those then out of their order. What is given was durable first. A feed
    belongs to one reader at a time; any number of feeds may read one store. Every method but
    :meth:`close` raises ``Unavailable`` when the store is down or late.
    """

    async def read(self, after: bytes | None) -> Sequence[Job]:
        """The jobs behind a position, ``None`` for the beginning of the log.

        A bounded number, and none if none came within about a second. It is cheap to go on
        where the last call ended, and takes a while anywhere else.
        """
        ...

    def before(self, position: bytes) -> bytes:
        """The place from which the job at ``position`` is the first, or one of the first."""
        ...

    async def bookmark(self) -> bytes | None:
        """Where to go on when nothing else is known; ``None`` if that was never said."""
        ...

    async def move_bookmark(self, position: bytes, *, expected: bytes | None) -> bool:
        """Put the bookmark there; false, and nothing done, if it is no longer as expected.

        One that fell asleep over an old state of affairs so cannot move it back.
        """
        ...

    async def close(self) -> None:
        """Let go of what is kept open to go on with; reading again opens it anew."""
        ...
