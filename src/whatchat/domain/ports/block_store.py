"""Who has blocked whom, kept."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import UserId
from whatchat.domain.ports.blocks import Blocked


class Block(Struct, frozen=True, kw_only=True):
    """Somebody whom a user blocks, since when by the store's time."""

    blocked_id: UserId
    since: datetime


class BlockChange(Struct, frozen=True, kw_only=True):
    """A block made or lifted, at ``changed_at`` by the store's time."""

    blocker_id: UserId
    blocked_id: UserId
    is_blocked: bool
    changed_at: datetime


class ChangedBlocks(Struct, frozen=True, kw_only=True):
    """Blocks made or lifted since some moment, and the store's time at which that was read."""

    changes: tuple[BlockChange, ...]
    read_at: datetime


class BlockStore(Protocol):
    """Keeps blocks, each from one person to another.

    Guarantees: every method is atomic and durable on return; a read has everything that was
    written before it. Times are the store's, in milliseconds. Every method raises
    ``Unavailable`` when the store is down, full or late.
    """

    async def block(self, blocker_id: UserId, blocked_id: UserId) -> BlockChange:
        """Make a block; one that is there stays as it is, and is what is returned."""
        ...

    async def unblock(self, blocker_id: UserId, blocked_id: UserId) -> BlockChange | None:
        """Lift a block; ``None``, and nothing done, if there is none."""
        ...

    async def made_by(self, user_id: UserId, *, before: Block | None, limit: int) -> list[Block]:
        """Those whom the user blocks, the latest first, after the page that ended at ``before``.

        Of those blocked at the same moment, the highest id first.
        """
        ...

    async def around(self, user_ids: Collection[UserId]) -> Mapping[UserId, Blocked]:
        """The blocks that each of these people made and met with, all read at one moment."""
        ...

    async def changed_since(self, moment: datetime | None) -> ChangedBlocks:
        """The latest change of each block changed at or after ``moment``; of ``None``, none.

        In the order of their times. A change is found for two hours at least. It may show
        up a little after the time that the store gave it: ask with an overlap of ten seconds.
        """
        ...
