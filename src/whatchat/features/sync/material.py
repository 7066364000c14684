"""What the answers about several rooms are made of, read together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.message_state import MessageState, all_seen_by
from whatchat.domain.models import Message, Room
from whatchat.domain.ports.message_store import ChangedSpan, MessageStore
from whatchat.domain.ports.room_store import Membership, RoomStore
from whatchat.domain.ports.room_views import RoomViews
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.showing import show_messages
from whatchat.features.sync.contract import Receipt
from whatchat.features.sync.receipts import receipts_of

SNAPSHOT_MESSAGES: Final = 50


class Due(NamedTuple):
    """A room that has something for the caller; no cursor: all that there is to start from."""

    membership: Membership
    cursor: Rev | None

    @property
    def room_id(self) -> RoomId:
        return self.membership.record.room_id

    @property
    def most(self) -> int:
        """How many messages there may be to tell; each change is one of one message."""
        if self.cursor is None:
            return SNAPSHOT_MESSAGES
        return self.membership.record.rev - self.cursor

    @property
    def shows_room(self) -> bool:
        """Whether anything but messages changed."""
        return self.cursor is None or self.membership.record.changed_rev > self.cursor


class Material(NamedTuple):
    """What was read, by room; of a room that is not shown there is none in ``rooms``."""

    messages: Mapping[RoomId, Sequence[Message]]
    rooms: Mapping[RoomId, Room]
    receipts: Mapping[RoomId, Sequence[Receipt]]


class Materials:
    """Reads rooms for their answers: a few reads, however many rooms there are.

    Of each room no more than ``limit`` messages: of one with a cursor those that changed
    first after it, of one without the latest, oldest first.
    """

    def __init__(
        self,
        rooms: RoomStore,
        messages: MessageStore,
        views: RoomViews,
        directory: UserDirectory,
    ) -> None:
        self._rooms = rooms
        self._messages = messages
        self._views = views
        self._directory = directory

    async def read(self, viewer_id: UserId, due: Sequence[Due], *, limit: int) -> Material:
        """All that these rooms may need."""
        states = {
            **await self._changed(viewer_id, [one for one in due if one.cursor is not None], limit),
            **await self._latest(viewer_id, [one for one in due if one.cursor is None], limit),
        }
        shown = await self._views.for_members([one.membership for one in due if one.shows_room])
        rooms = {room.id: room for room in shown}
        unshown = [one.membership for one in due if not one.shows_room]
        receipts = {room_id: _receipts_in(room) for room_id, room in rooms.items()}
        return Material(
            messages=await self._shown(viewer_id, states),
            rooms=rooms,
            receipts=receipts | await self._listed(viewer_id, unshown),
        )

    async def _changed(
        self, viewer_id: UserId, due: Iterable[Due], limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        spans = {
            one.room_id: ChangedSpan(
                first=one.membership.record.readable_from(one.membership.member),
                after=one.cursor or Rev(0),
                upto=one.membership.record.rev,
            )
            for one in due
        }
        return await self._messages.changed(viewer_id, spans, limit=limit) if spans else {}

    async def _latest(
        self, viewer_id: UserId, due: Iterable[Due], limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        spans = {
            one.room_id: (_before_readable(one.membership), one.membership.record.rev)
            for one in due
        }
        most = min(SNAPSHOT_MESSAGES, limit)
        return await self._messages.latest(viewer_id, spans, limit=most) if spans else {}

    async def _shown(
        self, viewer_id: UserId, states: Mapping[RoomId, Sequence[MessageState]]
    ) -> Mapping[RoomId, Sequence[Message]]:
        users = await self._directory.users(
            {state.sender_id for some in states.values() for state in some}
        )
        return {
            room_id: show_messages(all_seen_by(some, viewer_id), users)
            for room_id, some in states.items()
        }

    async def _listed(
        self, viewer_id: UserId, memberships: Sequence[Membership]
    ) -> dict[RoomId, Sequence[Receipt]]:
        """The receipts of rooms that the answer does not show."""
        if not memberships:
            return {}
        listed = await self._rooms.listed([one.record for one in memberships], viewer_id)
        return {
            room_id: receipts_of((one.user_id, *one.known_to(viewer_id)) for one in members)
            for room_id, members in listed.items()
        }


def _before_readable(membership: Membership) -> Seq:
    return Seq(max(membership.record.readable_from(membership.member) - 1, 0))


def _receipts_in(room: Room) -> Sequence[Receipt]:
    return receipts_of((one.user.id, one.delivered_seq, one.read_seq) for one in room.participants)
