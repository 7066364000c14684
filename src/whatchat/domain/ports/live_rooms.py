"""What this pod knows of rooms from the sockets that it has."""

from typing import Protocol

from whatchat.domain.ids import Rev, RoomId, UserId


class LiveRooms(Protocol):
    """Answers from memory, as of what has been told to this pod's sockets."""

    def head(self, room_id: RoomId) -> Rev | None:
        """The latest rev that the pod knows of; ``None`` where it does not follow the room."""
        ...

    def is_member(self, room_id: RoomId, user_id: UserId) -> bool:
        """Whether the user has a socket here and is in the room; if not, only the store knows.

        What changes elsewhere is known here as soon as the pod's sockets are told of it:
        within two seconds, within ten while the broker is away.
        """
        ...
