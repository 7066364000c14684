"""What must not stay in the store for long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.ports.message_store import MessageKey


class Expired(Struct, frozen=True, kw_only=True):
    """A message whose time is over and whose content the store still has."""

    room_id: RoomId
    seq: Seq
    sender_id: UserId
    expires_at: datetime


class Undelivered(Struct, frozen=True, kw_only=True):
    """A message whose content the store has for as long as some device may need it.

    ``content_rev`` is the change that gave it its content.
    """

    room_id: RoomId
    seq: Seq
    sender_id: UserId
    content_rev: Rev


class Reach(Struct, frozen=True, kw_only=True):
    """How far a member has got on the device that is furthest behind, of so many ``devices``."""

    user_id: UserId
    seq: Seq
    devices: int


class RetentionStore(Protocol):
    """Finds what is to be erased. Methods raise ``Unavailable`` when the store is down or late."""

    async def expired(
        self, now: datetime, *, after: Expired | None, limit: int
    ) -> Sequence[Expired]:
        """Messages that were over by ``now`` and are not erased, the earliest first.

        The ``limit`` first ones that come behind ``after``, or of all: however many ended in
        one moment, going on behind the last of an answer passes over none.
        """
        ...

    async def undelivered(self, *, after: MessageKey | None, limit: int) -> Sequence[Undelivered]:
        """Messages that are to be given up once they are delivered, by room and ``seq``.

        The ``limit`` first ones behind ``after``, or of all.
        """
        ...

    async def reaches(self, room_id: RoomId, *, now: datetime, since: datetime) -> Sequence[Reach]:
        """The members who have devices that are signed in and were seen since a moment.

        Whoever came in later has all that was said before.
        """
        ...

    async def give_up(self, messages: Sequence[Undelivered], at: datetime) -> None:
        """Empty these wherever the store keeps what they say, but for those changed meanwhile.

        It is no change of the room: it takes no rev.
        """
        ...
