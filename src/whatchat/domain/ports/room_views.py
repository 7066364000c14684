"""Rooms as clients see them."""

from collections.abc import Sequence
from typing import Protocol

from whatchat.domain.models import Room
from whatchat.domain.ports.room_store import Membership
from whatchat.domain.room_state import RoomRecord


class RoomViews(Protocol):
    """Puts together what a room's view needs. Raises ``Unavailable`` when the store is."""

    async def for_members(self, memberships: Sequence[Membership]) -> list[Room]:
        """Each room as its member sees it, ``unread`` and ``lastMessage`` included."""
        ...

    async def for_everyone(self, record: RoomRecord) -> Room:
        """The room as an event shows it to all its members: without what is a viewer's own."""
        ...
