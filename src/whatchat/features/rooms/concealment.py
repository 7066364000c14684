"""Rooms that are opened with whoever blocked the one who opens them."""

import asyncio
import logging
from functools import partial

import msgspec

from whatchat.domain.audience import Announcement, ToUser
from whatchat.domain.ids import RoomId, UserId, direct_room_id
from whatchat.domain.ports.block_store import BlockStore
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.room_store import Membership, RoomStore
from whatchat.domain.ports.room_views import RoomViews
from whatchat.features.rooms.contract import RoomChange, RoomEntered

log = logging.getLogger(__name__)


class Concealment:
    """Implements ``ConcealedRooms``; tells the devices of those to whom a room is revealed."""

    def __init__(
        self,
        rooms: RoomStore,
        blocks: BlockStore,
        views: RoomViews,
        broker: Broker,
        secret: bytes,
    ) -> None:
        self._rooms = rooms
        self._blocks = blocks
        self._views = views
        self._broker = broker
        self._secret = secret
        self._publishing: set[asyncio.Future[None]] = set()

    async def reveal(self, user_id: UserId, other_id: UserId) -> None:
        room_id = direct_room_id(self._secret, user_id, other_id)
        if await self._rooms.reveal(room_id, user_id):
            await self._tell(room_id, user_id)

    async def open(self, user_id: UserId, other_id: UserId) -> None:
        """The same for whoever opens a room that was there: mostly it was not concealed."""
        room_id = direct_room_id(self._secret, user_id, other_id)
        if await self._rooms.membership(room_id, user_id) is None:
            await self.reveal(user_id, other_id)

    async def settle(self, opener_id: UserId, other_id: UserId) -> None:
        """See to it that a room just concealed is so for a block that is still there.

        The block may have been lifted while the room was being opened. Whoever lifts one
        reveals after that, so one of the two finds the room.
        """
        around = (await self._blocks.around([other_id]))[other_id]
        if opener_id not in around.blocks:
            await self.reveal(other_id, opener_id)

    async def _tell(self, room_id: RoomId, user_id: UserId) -> None:
        membership = await self._rooms.membership(room_id, user_id)
        if membership is None:
            return
        # Nobody waits for the broker; whom it does not reach finds the room by asking.
        published = asyncio.ensure_future(self._broker.publish([await self._told(membership)]))
        self._publishing.add(published)
        published.add_done_callback(partial(_published, self._publishing))

    async def _told(self, membership: Membership) -> Announcement:
        record, member = membership.record, membership.member
        entered = RoomEntered(
            room_id=record.room_id,
            rev=record.rev,
            room=await self._views.for_everyone(record),
            change=RoomChange(kind="created"),
        )
        audience = ToUser(
            user_id=member.user_id, enters=record.room_id, joined_seq=member.joined_seq
        )
        return Announcement(
            audience=audience,
            event=RoomEntered.name,
            payload=msgspec.json.encode(entered),
            room_id=record.room_id,
            rev=record.rev,
        )


def _published(publishing: set["asyncio.Future[None]"], published: "asyncio.Future[None]") -> None:
    publishing.discard(published)
    if not published.cancelled() and (error := published.exception()):
        log.warning("a room that was revealed could not be told of: %r", error)
