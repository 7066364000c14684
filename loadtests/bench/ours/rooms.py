"""Rooms that need no store: everybody's is in the user's id, and its log is a number."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from whatchat.domain.audience import Announcement
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.ports.room_log import Applied, Proposal
from whatchat.domain.ports.room_store import (
    ChangedRooms,
    ChangesPosition,
    DirectPeer,
    Membership,
    RoomPosition,
)
from whatchat.domain.room_state import Member, RoomRecord, RoomState, nonexistent
from whatchat.domain.times import utc_now


class NotInTheBenchmark(Exception):
    """The sockets asked for something that no work of the benchmark leads to."""


class MadeUpRooms:
    """Implements ``RoomStore`` and ``RoomLog`` as far as sockets use them."""

    def __init__(self) -> None:
        self._revs: dict[RoomId, Rev] = {}

    def take_rev(self, room_id: RoomId) -> Rev:
        """The room's next rev."""
        rev = self._revs[room_id] = Rev(self._revs.get(room_id, 0) + 1)
        return rev

    async def memberships(self, user_id: UserId) -> list[Membership]:
        room_id = room_of(user_id)
        record = replace(nonexistent(room_id).record, rev=self._revs.get(room_id, Rev(0)))
        member = Member(user_id=user_id, role="member", joined_seq=Seq(0))
        return [Membership(record=record, member=member)]

    async def joined(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Mapping[RoomId, Seq]]:
        raise NotInTheBenchmark

    async def direct_peers(
        self, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Sequence[DirectPeer]]:
        return {}

    async def reveal(self, room_id: RoomId, user_id: UserId) -> bool:
        raise NotInTheBenchmark

    async def heads(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, Rev]:
        return {room_id: self._revs.get(room_id, Rev(0)) for room_id in room_ids}

    async def announcements(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Announcement]:
        """Raises: a hole in a room is a defect here."""
        raise NotInTheBenchmark

    async def change(
        self, room_id: RoomId, proposal: Proposal, then: Proposal | None = None
    ) -> Applied:
        raise NotInTheBenchmark

    async def state(self, room_id: RoomId) -> RoomState | None:
        raise NotInTheBenchmark

    async def membership(self, room_id: RoomId, user_id: UserId) -> Membership | None:
        raise NotInTheBenchmark

    async def record(self, room_id: RoomId) -> RoomRecord | None:
        raise NotInTheBenchmark

    async def records(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, RoomRecord]:
        raise NotInTheBenchmark

    async def memberships_page(
        self, user_id: UserId, *, before: RoomPosition | None, limit: int
    ) -> list[Membership]:
        raise NotInTheBenchmark

    async def public_rooms(
        self, *, query: str, before: RoomPosition | None, limit: int
    ) -> list[RoomRecord]:
        raise NotInTheBenchmark

    async def members(self, room_id: RoomId, *, after: UserId | None, limit: int) -> list[Member]:
        raise NotInTheBenchmark

    async def members_among(
        self, room_id: RoomId, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Member]:
        raise NotInTheBenchmark

    async def listed(
        self, records: Sequence[RoomRecord], viewer_id: UserId | None
    ) -> Mapping[RoomId, list[Member]]:
        raise NotInTheBenchmark

    async def changed_since(
        self, since: datetime | ChangesPosition | None, *, limit: int
    ) -> ChangedRooms:
        return ChangedRooms(changes=(), next=None, read_at=utc_now())


def room_of(user_id: UserId) -> RoomId:
    """The room that an id names: ``<person>-<room>``."""
    return RoomId(user_id.partition("-")[2])
