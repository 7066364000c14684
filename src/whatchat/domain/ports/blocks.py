"""Who has blocked whom, as far as anybody may ask without a round trip."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import UserId


class Blocked(Struct, frozen=True, kw_only=True):
    """The blocks around one person."""

    blocks: frozenset[UserId] = frozenset()
    blocked_by: frozenset[UserId] = frozenset()

    @property
    def across(self) -> frozenset[UserId]:
        """Everybody on the other side of a block, whoever made it."""
        return self.blocks | self.blocked_by


BlockListener = Callable[[UserId, UserId, bool], None]
"""Is called with who blocks, who is blocked, and whether that is so from now on."""


class Blocks(Protocol):
    """Answers from memory; who is asked about for the first time in a while is read once.

    A block made or lifted anywhere is in force here within two seconds, with or without a
    broker, for as long as the store answers. Raises ``Unavailable`` when it has to read and
    the store is down or late.
    """

    async def around(self, user_id: UserId) -> Blocked:
        """The blocks around one person."""
        ...

    async def around_all(self, user_ids: Iterable[UserId]) -> Mapping[UserId, Blocked]:
        """The blocks around each of these people, at most one reading for all of them."""
        ...

    def listen(self, notify: BlockListener) -> None:
        """Name what is called, on the event loop, with each block made or lifted anywhere.

        Once for each, when it is in force here, in the order of the store's time where they
        come together. Of one that changed back and forth within a second, the last is told.
        """
        ...
