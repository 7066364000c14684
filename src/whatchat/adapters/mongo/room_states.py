"""Rooms with all their members, for everybody who asks at the moment."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.gathering import Gathering
from whatchat.adapters.mongo.log_queries import and_also
from whatchat.adapters.mongo.picture import Picture, Pictures, found_members
from whatchat.adapters.mongo.room_documents import member_of
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.room_state import Member, RoomState

MAX_ROOMS: Final = 50


class RoomStates:
    """Reads rooms' states; those who ask at the same time share their commands.

    A pod reads a room before it first writes there. When thousands of rooms wake up within
    seconds, a command for each would cost more than all that is written.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._reads = Gathering(self._read, name="room-states", most=MAX_ROOMS)

    async def of(self, room_id: RoomId) -> RoomState | None:
        """The room's state, if there is such a room."""
        return await self._reads.ask(room_id)

    async def close(self) -> None:
        """Wait for what is being read."""
        await self._reads.close()

    async def _read(self, room_ids: Sequence[RoomId]) -> list[RoomState | Exception | None]:
        wanted = sorted(set(room_ids))
        everybody = and_also(found_members({"room_id": {"$in": wanted}}), "members")
        picture = await self._pictures.of_rooms(wanted, everybody)
        members: dict[RoomId, dict[UserId, Member]] = defaultdict(dict)
        for place in sorted(picture.members, key=_joining):
            members[place["room_id"]][place["user_id"]] = member_of(place)
        return [_state(picture, room_id, members[room_id]) for room_id in room_ids]


def _joining(place: Document) -> tuple[int, UserId]:
    return place["joined_seq"], place["user_id"]


def _state(picture: Picture, room_id: RoomId, members: dict[UserId, Member]) -> RoomState | None:
    record = picture.record(room_id)
    return RoomState(record=record, members=members) if record else None
