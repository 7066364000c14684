"""What must not stay in the store for long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import RoomId, Seq, UserId


class Expired(Struct, frozen=True, kw_only=True):
    """A message whose time is over and whose content the store still has."""

    room_id: RoomId
    seq: Seq
    sender_id: UserId
    expires_at: datetime


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
