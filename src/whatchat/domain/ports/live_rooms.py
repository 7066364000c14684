"""What this pod knows of rooms from the sockets that it has."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import Rev, RoomId, Seq, UserId


class Post(Struct, frozen=True, kw_only=True):
    """A message that was posted; ``hidden``: from everybody but its author."""

    seq: Seq
    author_id: UserId
    hidden: bool = False


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

    def posts(self, room_id: RoomId, *, after: Seq, upto: Seq) -> Sequence[Post] | None:
        """The messages with ``after < seq <= upto``, in order; ``None`` if not all are known."""
        ...
