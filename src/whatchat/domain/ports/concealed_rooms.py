"""Direct rooms that are not there for one of the two."""

from typing import Protocol

from whatchat.domain.ids import UserId


class ConcealedRooms(Protocol):
    """Rooms that somebody opened with a person who blocked them, concealed from that person."""

    async def reveal(self, user_id: UserId, other_id: UserId) -> None:
        """Have the direct room of these two, if there is one, be there for ``user_id``.

        Durable on return, harmless to repeat. Whose devices are connected are told; who
        misses that finds the room when next connecting, or when the broker is back.
        Raises ``Unavailable`` when the store is down or late: repeat it then.
        """
        ...
