"""How changes of rooms are told."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from whatchat.domain.audience import Announcement, Audience, InRoom, ToUser
from whatchat.domain.ids import Seq, SessionId, UserId
from whatchat.domain.log import (
    Entry,
    MemberRemoved,
    MembersAdded,
    RoleChanged,
    RoomCreated,
)
from whatchat.domain.message_state import MessageState
from whatchat.domain.models import Room
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.room_views import RoomViews
from whatchat.domain.room_state import RoomRecord, nonexistent
from whatchat.domain.showing import show_room
from whatchat.domain.times import timestamp
from whatchat.features.rooms.contract import RoomAltered, RoomChange, RoomEntered, RoomLeft


class RoomAnnouncer:
    """Tells the members, those who come in, and those who are put out.

    People who come in hear ``room:created`` and the room's events from then on; somebody
    put out stops hearing before the others learn of it. Sockets are never left out: the
    ack of the one that asked may come before or after. In a direct room each of the two is
    told of the latest activity that this one sees: what the other wrote may be hidden.
    """

    def __init__(self, views: RoomViews, rooms: RoomStore) -> None:
        self._views = views
        self._rooms = rooms

    async def announce(
        self,
        entry: Entry,
        record: RoomRecord,
        message: MessageState | None,  # noqa: ARG002 - rooms' changes have none
        origin: SessionId | None,  # noqa: ARG002 - see the class
    ) -> Sequence[Announcement]:
        room = await self._views.for_everyone(record)
        if isinstance(entry.change, RoomCreated):
            return await self._entering(entry, room, entry.change.members)
        if record.kind == "direct":
            return (await self._altered_for_two(entry, room),)
        updated = _encoded(RoomAltered, entry, room, InRoom(room_id=entry.room_id))
        match entry.change:
            case MembersAdded(user_ids=user_ids):
                return (updated, *await self._entering(entry, room, user_ids))
            case MemberRemoved(user_id=user_id):
                return (_leaving(entry, record, user_id), updated)
            case _:
                return (updated,)

    async def _entering(
        self, entry: Entry, room: Room, user_ids: Sequence[UserId]
    ) -> list[Announcement]:
        """Tell those who came in with ``entry`` and have been in ever since."""
        joined_seq = Seq(entry.rev)
        members = await self._rooms.members_among(entry.room_id, user_ids)
        entered = [
            user_id
            for user_id in user_ids
            if user_id in members and members[user_id].joined_seq == joined_seq
        ]
        if room.kind == "direct":
            own = await self._as_seen_by(entered, room)
            return [
                _encoded(RoomEntered, entry, seen, _comer(entry, user_id))
                for user_id, seen in own.items()
            ]
        told = _encoded(RoomEntered, entry, room, InRoom(room_id=entry.room_id))
        return [replace(told, audience=_comer(entry, user_id)) for user_id in entered]

    async def _altered_for_two(self, entry: Entry, room: Room) -> Announcement:
        """Tell two people of their room; of one that is concealed, the one who opened it."""
        members = await self._rooms.members(entry.room_id, after=None, limit=2)
        own = await self._as_seen_by([one.user_id for one in members], room)
        first, *others = own
        told = _encoded(RoomAltered, entry, own[first], InRoom(room_id=entry.room_id, only=first))
        payloads = (_payload(RoomAltered, entry, own[other]) for other in others)
        return replace(told, others=next(payloads, b""))

    async def _as_seen_by(self, user_ids: Sequence[UserId], room: Room) -> Mapping[UserId, Room]:
        """The room for each of these people who have it, with the latest activity that one sees."""
        own = {}
        for user_id in user_ids:
            if membership := await self._rooms.membership(room.id, user_id):
                seen_at = timestamp(membership.record.last_activity)
                own[user_id] = replace(room, last_activity=seen_at)
        return own


def _comer(entry: Entry, user_id: UserId) -> ToUser:
    return ToUser(user_id=user_id, enters=entry.room_id, joined_seq=Seq(entry.rev))


def _leaving(entry: Entry, record: RoomRecord, user_id: UserId) -> Announcement:
    audience = ToUser(user_id=user_id, leaves=entry.room_id)
    return _encoded(RoomLeft, entry, _farewell(entry, record), audience)


def _farewell(entry: Entry, record: RoomRecord) -> Room:
    """A room as whoever leaves it may know it, also if this is told long after."""
    blank = nonexistent(entry.room_id).record
    left = replace(
        blank, kind=record.kind, rev=entry.rev, created_at=record.created_at, last_activity=entry.at
    )
    return show_room(left, [])


def _encoded(
    event: type[RoomEntered | RoomAltered | RoomLeft],
    entry: Entry,
    room: Room,
    audience: Audience,
) -> Announcement:
    return Announcement(
        audience=audience,
        event=event.name,
        payload=_payload(event, entry, room),
        room_id=entry.room_id,
        rev=entry.rev,
    )


def _payload(event: type[RoomEntered | RoomAltered | RoomLeft], entry: Entry, room: Room) -> bytes:
    made = event(room_id=entry.room_id, rev=entry.rev, room=room, change=_change(entry))
    return msgspec.json.encode(made)


def _change(entry: Entry) -> RoomChange:
    match entry.change:
        case RoomCreated():
            return RoomChange(kind="created")
        case MembersAdded(user_ids=user_ids):
            by_itself = user_ids == (entry.actor_id,)
            return RoomChange(kind="joined" if by_itself else "added", user_ids=list(user_ids))
        case MemberRemoved(user_id=user_id):
            by_itself = user_id == entry.actor_id
            return RoomChange(kind="left" if by_itself else "removed", user_ids=[user_id])
        case RoleChanged(user_id=user_id, role=role):
            return RoomChange(kind="role", user_ids=[user_id], role=role)
        case _:
            return RoomChange(kind="updated", user_ids=UNSET)
