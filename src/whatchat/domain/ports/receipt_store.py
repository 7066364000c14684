"""How far members have got with what is said in their rooms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import DeviceId, RoomId, Seq, UserId


class Move(Struct, frozen=True, kw_only=True):
    """How far a member has got on one device; what is ``None`` stays where it is.

    ``shown_delivered_seq`` and ``shown_read_seq`` are how much of it others may know.
    """

    room_id: RoomId
    user_id: UserId
    device_id: DeviceId
    delivered_seq: Seq | None = None
    read_seq: Seq | None = None
    shown_delivered_seq: Seq | None = None
    shown_read_seq: Seq | None = None


class Cursors(Struct, frozen=True, kw_only=True):
    """How far a member has got, and how much of that others may know."""

    delivered_seq: Seq = Seq(0)
    read_seq: Seq = Seq(0)
    shown_delivered_seq: Seq = Seq(0)
    shown_read_seq: Seq = Seq(0)


class Moved(Struct, frozen=True, kw_only=True):
    """A member's cursors before and after a move."""

    before: Cursors
    after: Cursors


class ChangedReceipts(Struct, frozen=True, kw_only=True):
    """The rooms where receipts have changed, and the store's time at which that was read."""

    room_ids: frozenset[RoomId]
    read_at: datetime


class ReceiptCount(Struct, frozen=True, kw_only=True):
    """How many have got as far as a message."""

    delivered: int
    read: int


class ReceiptStore(Protocol):
    """Keeps each member's cursors, beside what the log made of the member.

    Guarantees: a cursor never goes back while its member stays; whoever comes in again begins
    anew. What is read is delivered as well. Every method raises ``Unavailable`` when the
    store is down, full or late; some of the moves may then have been made.
    """

    async def advance(self, moves: Sequence[Move]) -> list[Moved | None]:
        """Move cursors, all of them durably on return; ``None`` where there is no such member.

        Several moves of one member are made as one, which is the outcome of each of them.
        Where others move the same member at the same time, ``before`` may be earlier than
        what was in force, ``after`` is what is in force at least.
        """
        ...

    async def changed(
        self, viewer_id: UserId, room_ids: Sequence[RoomId], since: datetime | None
    ) -> ChangedReceipts:
        """Those of the rooms where receipts that the viewer may know have changed since a moment.

        By the store's time; of ``None``, none. What changed may show up a little after the time
        that the store gave it: begin with an overlap of ten seconds.
        """
        ...

    async def authors(self, room_id: RoomId, *, after: Seq, upto: Seq) -> Mapping[UserId, Seq]:
        """Who posted messages with ``after < seq <= upto``, and the newest of each.

        Without those that their sender alone sees.
        """
        ...

    async def count(self, room_id: RoomId, seq: Seq, *, without: UserId) -> ReceiptCount:
        """How many members of a room others may know to have got as far as ``seq``, but for one."""
        ...

    async def devices(self, room_id: RoomId) -> Mapping[UserId, Mapping[DeviceId, Seq]]:
        """How far each device has got of every member who has acknowledged anything."""
        ...
