"""Pages of rooms, and the cursors between them."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from whatchat.domain.actor import Actor
from whatchat.domain.ids import RoomId
from whatchat.domain.ports.room_store import RoomPosition, RoomStore
from whatchat.domain.room_state import RoomRecord
from whatchat.domain.showing import show_room
from whatchat.domain.times import from_millis, to_millis
from whatchat.features.rooms.contract import ListRooms, RoomPage
from whatchat.features.rooms.views import StoredRoomViews


class RoomListing:
    """Lists rooms, newest activity first."""

    def __init__(self, rooms: RoomStore, views: StoredRoomViews) -> None:
        self._rooms = rooms
        self._views = views

    async def own(self, actor: Actor, command: ListRooms) -> RoomPage:
        """The caller's rooms."""
        found = await self._rooms.memberships_page(
            actor.user_id, before=_position(command.after), limit=command.limit + 1
        )
        page = found[: command.limit]
        following = _next([one.record for one in page], is_last=len(found) <= command.limit)
        return RoomPage(rooms=await self._views.for_members(page), next=following)

    async def public(self, command: ListRooms) -> RoomPage:
        """Rooms that anybody may join, without their people."""
        found = await self._rooms.public_rooms(
            query=command.query, before=_position(command.after), limit=command.limit + 1
        )
        page = found[: command.limit]
        following = _next(page, is_last=len(found) <= command.limit)
        return RoomPage(rooms=[show_room(record, []) for record in page], next=following)


def _position(cursor: str | UnsetType) -> RoomPosition | None:
    if cursor is UNSET:
        return None
    millis, _, room_id = cursor.partition(".")
    return RoomPosition(last_activity=from_millis(int(millis)), room_id=RoomId(room_id))


def _next(page: Sequence[RoomRecord], *, is_last: bool) -> str | UnsetType:
    if is_last or not page:
        return UNSET
    return f"{to_millis(page[-1].last_activity)}.{page[-1].room_id}"
