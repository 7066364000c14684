"""What there is on the server, for those who run it."""

from typing import Protocol

from whatchat.domain.ids import RoomId
from whatchat.domain.ports.account_store import Account
from whatchat.domain.room_state import RoomRecord


class Inventory(Protocol):
    """Leafs through all accounts and all rooms.

    What was made within the last seconds may be missing. A search by a part of a name may
    have to look at all there is: it raises ``Unavailable`` if that takes too long, as every
    method does when the store is down or late.
    """

    async def accounts(
        self, *, query: str, banned: bool | None, after: str | None, limit: int
    ) -> list[Account]:
        """Accounts by username, from the one after ``after`` on.

        Those whose username begins with, or whose display name contains, ``query`` (case
        folded; empty: all); only banned ones, only others, or all.
        """
        ...

    async def rooms(self, *, query: str, after: RoomId | None, limit: int) -> list[RoomRecord]:
        """Rooms by id, from the one after ``after`` on; ``query`` is a part of their name."""
        ...
