"""Rooms and their people, as projected from the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NewType, Protocol

from msgspec import Struct

from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.log import MembershipChange
from whatchat.domain.room_state import Member, RoomRecord, RoomState


class Membership(Struct, frozen=True, kw_only=True):
    """One room of one user: the member's own row and the room's head.

    The record's ``last_activity`` and ``last_message_seq`` are those that the member sees: of
    messages hidden from it they know nothing.
    """

    record: RoomRecord
    member: Member


class DirectPeer(Struct, frozen=True, kw_only=True):
    """Somebody with whom a person shares a direct room.

    ``reached_out``: the person created the room, wrote or reacted there; ``was_reached``: so
    did the other.
    """

    user_id: UserId
    reached_out: bool
    was_reached: bool


class RoomPosition(Struct, frozen=True, kw_only=True):
    """Where a page of rooms, sorted by ``(last_activity, room_id)``, ended."""

    last_activity: datetime
    room_id: RoomId


class ChangedRoom(Struct, frozen=True, kw_only=True):
    """A change of a room rather than of a message: the entry ``rev`` of its log."""

    room_id: RoomId
    rev: Rev
    change: MembershipChange


ChangesPosition = NewType("ChangesPosition", str)
"""Where an answer with changes of rooms ended, exactly; only the store that gave it reads it."""


class ChangedRooms(Struct, frozen=True, kw_only=True):
    """Changes of rooms since some moment, in the order of the store's time.

    ``read_at`` is the store's time at which this was read. ``next`` is where to go on: there
    may be more, later ones; ``None``: these are all.
    """

    changes: tuple[ChangedRoom, ...]
    next: ChangesPosition | None
    read_at: datetime


class RoomStore(Protocol):
    """Reads what the log made of rooms; :class:`MessageStore` writes all but :meth:`reveal`.

    Every read reflects every entry appended before it. A room that is concealed from a member
    is not there where it is asked for as that member's; whoever asks about the room finds
    the member in it. Methods raise ``Unavailable`` when the store is down or late.
    """

    async def state(self, room_id: RoomId) -> RoomState | None:
        """The room with all its members at one rev; ``None`` if there is no such room."""
        ...

    async def membership(self, room_id: RoomId, user_id: UserId) -> Membership | None:
        """The user's place in the room, if it has one that is not concealed."""
        ...

    async def record(self, room_id: RoomId) -> RoomRecord | None:
        """The room without its people."""
        ...

    async def records(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, RoomRecord]:
        """These rooms without their people; unknown ones are absent."""
        ...

    async def memberships(self, user_id: UserId) -> list[Membership]:
        """All rooms that the user is in, newest activity first."""
        ...

    async def memberships_page(
        self, user_id: UserId, *, before: RoomPosition | None, limit: int
    ) -> list[Membership]:
        """The user's rooms, newest activity first, after the page that ended at ``before``."""
        ...

    async def public_rooms(
        self, *, query: str, before: RoomPosition | None, limit: int
    ) -> list[RoomRecord]:
        """Public rooms whose name contains ``query`` (case folded), newest activity first."""
        ...

    async def members(self, room_id: RoomId, *, after: UserId | None, limit: int) -> list[Member]:
        """The room's people by user id."""
        ...

    async def members_among(
        self, room_id: RoomId, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Member]:
        """Those of these people who are in the room, and for whom it is there."""
        ...

    async def reveal(self, room_id: RoomId, user_id: UserId) -> bool:
        """Conceal the room from this member no longer; false if it was not.

        Durable on return, in force for every later read, and for good.
        """
        ...

    async def listed(
        self, records: Sequence[RoomRecord], viewer_id: UserId | None
    ) -> Mapping[RoomId, list[Member]]:
        """The people whom each room lists, in the order of their joining, then by user id.

        All of them up to ``LISTED_PEOPLE``; above, the admins, and the viewer last if not
        one of them.
        """
        ...

    async def joined(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Mapping[RoomId, Seq]]:
        """The rooms that each of these people is in, and since when; who is in none is absent."""
        ...

    async def direct_peers(
        self, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Sequence[DirectPeer]]:
        """The people with whom each of these shares a direct room; who has none is absent.

        A room that is concealed from either is not shared. Costs a few look-ups in an index
        for each room, at most three commands for all of them.
        """
        ...

    async def heads(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, Rev]:
        """The latest rev of each room; unknown rooms are absent."""
        ...

    async def changed_since(
        self, since: datetime | ChangesPosition | None, *, limit: int
    ) -> ChangedRooms:
        """All rooms' changes at or after a moment by the store's time; of ``None``, none.

        The ``limit`` earliest. From the ``next`` of an answer on, those that follow it:
        however many share a moment, none comes twice and none is passed over.
        A change is found for an hour at least. It may show up a little after the time that
        the store gave it: begin with an overlap of ten seconds.
        """
        ...
