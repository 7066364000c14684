"""One announcement to every socket of its audience on this pod."""

from collections.abc import Iterable

from whatchat.domain.audience import Announcement, InRoom, Part, ToPods, ToUser
from whatchat.domain.ids import Rev, RoomId, SessionId, UserId
from whatchat.domain.signals import RoomRevTaken, SessionResync
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.realtime.codec import event_frame, frame_of
from whatchat.realtime.deliveries import Deliveries
from whatchat.realtime.frame import Frame
from whatchat.realtime.hub import Hub, LocalRoom, LocalUser


class Fanout:
    """Encodes once, writes to many.

    A room's announcement reaches those who were members before its rev; who entered at
    that rev has an announcement of its own. Nothing of a room reaches a user who left it.
    """

    def __init__(
        self, hub: Hub, deliveries: Deliveries, flights: FlightRecorder | None = None
    ) -> None:
        self._hub = hub
        self._deliveries = deliveries
        self._flights = flights or FlightRecorder()

    def deliver(self, announcement: Announcement) -> None:
        """Write to the audience's sockets, at once."""
        audience = announcement.audience
        if isinstance(audience, InRoom):
            self._to_room(announcement, audience)
        elif isinstance(audience, ToUser) and (user := self._hub.user(audience.user_id)):
            self._to_user(announcement, audience, user)

    def _to_room(self, announcement: Announcement, audience: InRoom) -> None:
        room = self._hub.room(audience.room_id)
        if room is None:
            return
        if announcement.parts:
            self._to_members(room, announcement)
            return
        rev, seq = announcement.rev, audience.seq
        if rev:
            hidden = audience.only is not None and not announcement.others
            room.hear(rev, announcement.author_id, hidden=hidden)
        if (
            (rev and room.newest >= rev)
            or (seq is not None and room.newest > seq)
            or announcement.volatile
            or _is_for_some(audience)
        ):
            self._to_some(room, announcement, audience)
            return
        frame = event_frame(announcement.event, announcement.payload)
        excepted, room_id = audience.except_session, announcement.room_id
        sockets = room.sockets
        left_out = 0
        for connection in sockets:
            if connection.session_id == excepted:
                left_out += 1
                continue
            link = connection.live
            if link is not None:
                link.write(frame)
            else:
                connection.deliver(frame, room_id, rev)
        self._deliveries.announced(announcement, len(sockets) - left_out)
        if announcement.author_id is not None:
            self._flights.handed(audience.room_id, rev, room.session_ids, excepted)

    def _to_members(self, room: LocalRoom, announcement: Announcement) -> None:
        reached = 0
        for part in announcement.parts:
            sockets = self._to_some_members(room, part)
            self._deliveries.fanned_out(part.event, sockets)
            reached += sockets
        self._deliveries.leaves(announcement, reached)

    def _to_some_members(self, room: LocalRoom, part: Part) -> int:
        frame: Frame | None = None
        reached = 0
        for user in map(self._hub.user, part.among):
            if user is None or user not in room.members:
                continue
            frame = frame or event_frame(part.event, part.payload)
            for session_id, connection in user.connections.items():
                if session_id != part.except_session:
                    connection.deliver(frame, room.room_id)
                    reached += 1
        return reached

    def _to_some(self, room: LocalRoom, announcement: Announcement, audience: InRoom) -> None:
        """Write what is not the same to all members."""
        versions = _Versions(announcement, audience)
        members: Iterable[tuple[LocalUser, int]] = room.members.items()
        if audience.among is not None:
            named = map(self._hub.user, audience.among)
            members = [(user, room.members[user]) for user in named if user in room.members]
        handed: list[SessionId] = []
        told = taken = 0
        for user, joined_seq in members:
            frame = versions.for_member(user.user_id, joined_seq)
            if frame is None:
                continue
            sockets = self._write(user, frame, announcement)
            if versions.is_whole(frame):
                handed += user.connections
            if frame is versions.taken:
                taken += sockets
            else:
                told += sockets
        self._deliveries.announced(announcement, told, taken)
        if announcement.author_id is not None:
            excepted = audience.except_session
            self._flights.handed(room.room_id, announcement.rev, handed, excepted)

    def _to_user(self, announcement: Announcement, audience: ToUser, user: LocalUser) -> None:
        room_id = audience.leaves or announcement.room_id
        if audience.leaves is not None:
            if not self._hub.leave(user, audience.leaves, announcement.rev):
                return
            for connection in user.connections.values():
                connection.forget(audience.leaves)
        elif room_id is not None and announcement.rev and user.has_left(room_id, announcement.rev):
            return
        frame = event_frame(announcement.event, announcement.payload)
        if audience.enters is None:
            self._tell(user, frame, announcement)
        elif not user.is_let_in(audience.enters, audience.joined_seq):
            has_entered = self._hub.enter(user, audience.enters, audience.joined_seq)
            user.note_letting_in(audience.enters, audience.joined_seq)
            self._tell(user, frame, announcement)
            if has_entered:
                self._make_up(user, audience.enters, announcement.rev)

    def _tell(self, user: LocalUser, frame: Frame, announcement: Announcement) -> None:
        self._deliveries.announced(announcement, self._write(user, frame, announcement))

    def _write(self, user: LocalUser, frame: Frame, announcement: Announcement) -> int:
        """Write to all sockets of a user but the one excepted; to how many."""
        audience, volatile = announcement.audience, announcement.volatile
        excepted = None if isinstance(audience, ToPods) else audience.except_session
        room_id, rev = announcement.room_id, announcement.rev
        sockets = 0
        for session_id, connection in user.connections.items():
            if session_id == excepted:
                continue
            if connection.deliver(frame, room_id, rev, volatile=volatile):
                sockets += 1
            else:
                self._deliveries.dropped(1)
        return sockets

    def _make_up(self, user: LocalUser, room_id: RoomId, rev: int) -> None:
        """Have the user ask for what the room heard between its entering and this moment."""
        room = self._hub.room(room_id)
        if room is not None and room.out > rev:
            frame = frame_of(SessionResync(reason="entered_late"))
            for connection in user.connections.values():
                connection.deliver(frame)


class _Versions:
    """What an announcement is to each member of its room; each version is encoded once."""

    def __init__(self, announcement: Announcement, audience: InRoom) -> None:
        self._announcement = announcement
        self._audience = audience
        self._without = frozenset(audience.without)
        self._frames: dict[str, Frame] = {}

    @property
    def taken(self) -> Frame | None:
        """What those hear for whom it holds nothing, if there was anybody."""
        return self._frames.get("taken")

    def for_member(self, user_id: UserId, joined_seq: int) -> Frame | None:
        """What a member since ``joined_seq`` hears, if anything."""
        rev, audience = self._announcement.rev, self._audience
        if (rev and joined_seq >= rev) or user_id in self._without:
            return None
        if audience.seq is not None and joined_seq > audience.seq:
            return self._version("taken")
        if audience.only in (None, user_id):
            return self._version("whole")
        return self._version("others" if self._announcement.others else "taken")

    def is_whole(self, frame: Frame) -> bool:
        """Whether it is the event itself."""
        return frame is self._frames.get("whole")

    def _version(self, name: str) -> Frame:
        frame = self._frames.get(name)
        if frame is None:
            frame = self._frames[name] = self._encoded(name)
        return frame

    def _encoded(self, name: str) -> Frame:
        one = self._announcement
        if name == "taken":
            return frame_of(RoomRevTaken(room_id=self._audience.room_id, rev=Rev(one.rev)))
        return event_frame(one.event, one.payload if name == "whole" else one.others)


def _is_for_some(audience: InRoom) -> bool:
    return bool(audience.only or audience.without) or audience.among is not None
