"""Rooms as clients see them."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.message_state import MessageState, all_seen_by, seen_by
from whatchat.domain.models import Participant, Room
from whatchat.domain.ports.message_store import MessageKey, MessageStore
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
        users = await self._directory.users({state.sender_id for state in latest.values()})
        shown = {one.room_id: one for one in show_messages(latest.values(), users)}
        return [
            show_room(
                _as_seen(one, latest.get(one.record.room_id)),
                people[one.record.room_id],
                unread=unread[one.record.room_id],
                last_message=shown.get(one.record.room_id),
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
    ) -> Mapping[RoomId, MessageState]:
        """Each room's newest message that the viewer may read, as the viewer sees it."""
        keys = {_newest(one): one for one in memberships if _has_messages(one)}
        found = await self._messages.messages(list(keys)) if keys else {}
        latest = list(found.values())
        for key, state in found.items():
            if seen_by(state, viewer_id) is None:
                latest += await self._before(keys[key])
        return {state.room_id: state for state in all_seen_by(latest, viewer_id)}

    async def _before(self, membership: Membership) -> list[MessageState]:
        """The newest message where the very newest is hidden from the member."""
        record, member = membership.record, membership.member
        return await self._messages.history(
            record.room_id,
            viewer_id=member.user_id,
            first=record.readable_from(member),
            before=record.last_message_seq,
            after=None,
            limit=1,
        )


def _newest(membership: Membership) -> MessageKey:
    return membership.record.room_id, membership.record.last_message_seq


def _has_messages(membership: Membership) -> bool:
    record = membership.record
    return record.last_message_seq > record.readable_from(membership.member)


def _as_seen(membership: Membership, latest: MessageState | None) -> RoomRecord:
    """The room with the time of the latest activity that its member sees."""
    record = membership.record
    if not _has_messages(membership) or (latest and latest.seq == record.last_message_seq):
        return record
    return replace(record, last_activity=latest.created_at if latest else record.created_at)
