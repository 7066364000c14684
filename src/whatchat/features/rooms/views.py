"""Rooms as clients see them."""

from collections.abc import Mapping, Sequence

from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.message_state import all_seen_by
from whatchat.domain.models import Message, Participant, Room
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.room_store import Membership, RoomStore
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.room_state import Member, RoomRecord
from whatchat.domain.showing import show_messages, show_participants, show_room

UNREAD_CAP = 100
"""``unread`` is exact up to 99; 100 means more."""


class StoredRoomViews:
    """Implements ``RoomViews``, with a handful of reads however many rooms there are."""

    def __init__(self, rooms: RoomStore, messages: MessageStore, directory: UserDirectory) -> None:
        self._rooms = rooms
        self._messages = messages
        self._directory = directory

    async def for_members(self, memberships: Sequence[Membership]) -> list[Room]:
        if not memberships:
            return []
        viewer_id = memberships[0].member.user_id
        people = await self._people([one.record for one in memberships], viewer_id)
        unread = await self._unread(memberships, viewer_id)
        latest = await self._latest(memberships, viewer_id)
        return [
            show_room(
                one.record,
                people[one.record.room_id],
                unread=unread[one.record.room_id],
                last_message=latest.get(one.record.room_id),
            )
            for one in memberships
        ]

    async def for_everyone(self, record: RoomRecord) -> Room:
        people = await self._people([record], None)
        return show_room(record, people[record.room_id])

    async def participants(self, members: Sequence[Member], viewer_id: UserId) -> list[Participant]:
        """These members, looked up."""
        users = await self._directory.users({member.user_id for member in members})
        return show_participants(members, users, viewer_id)

    async def _people(
        self, records: Sequence[RoomRecord], viewer_id: UserId | None
    ) -> Mapping[RoomId, list[Participant]]:
        listed = await self._rooms.listed(records, viewer_id)
        users = await self._directory.users(
            {member.user_id for members in listed.values() for member in members}
        )
        return {
            room_id: show_participants(members, users, viewer_id)
            for room_id, members in listed.items()
        }

    async def _unread(
        self, memberships: Sequence[Membership], viewer_id: UserId
    ) -> Mapping[RoomId, int]:
        spans = {
            one.record.room_id: (
                Seq(max(one.member.read_seq, one.member.joined_seq)),
                one.record.rev,
            )
            for one in memberships
        }
        return await self._messages.unread(viewer_id, spans, limit=UNREAD_CAP)

    async def _latest(
        self, memberships: Sequence[Membership], viewer_id: UserId
    ) -> Mapping[RoomId, Message]:
        """Each room's newest message that the viewer may read, as the viewer sees it."""
        keys = [
            (one.record.room_id, one.record.last_message_seq)
            for one in memberships
            if one.record.last_message_seq > one.record.readable_from(one.member)
        ]
        states = (await self._messages.messages(keys)).values() if keys else ()
        users = await self._directory.users({state.sender_id for state in states})
        return {one.room_id: one for one in show_messages(all_seen_by(states, viewer_id), users)}
