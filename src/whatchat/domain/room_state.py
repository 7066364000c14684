"""A room as its log makes it: what rules are decided on."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.log import (
    Entry,
    MemberRemoved,
    MembersAdded,
    MessagePosted,
    RoleChanged,
    RoomCreated,
    RoomUpdated,
    target_of,
)
from whatchat.domain.message_state import MessageState, posted, project
from whatchat.domain.models import Role, RoomKind, RoomSettings
from whatchat.domain.times import EPOCH


class Member(Struct, frozen=True, kw_only=True):
    """A person in a room; ``joined_seq`` is the rev of the entry that brought them in.

    ``delivered_seq`` and ``read_seq`` are how far this person has got, ``shown_delivered_seq``
    and ``shown_read_seq`` how much of that others may know. ``concealed``: the room is not
    there for this person until it is revealed.
    """

    user_id: UserId
    role: Role
    joined_seq: Seq
    delivered_seq: Seq = Seq(0)
    read_seq: Seq = Seq(0)
    shown_delivered_seq: Seq = Seq(0)
    shown_read_seq: Seq = Seq(0)
    concealed: bool = False

    def known_to(self, viewer_id: UserId | None) -> tuple[Seq, Seq]:
        """How far this person has received and read, as far as somebody may know."""
        if viewer_id == self.user_id:
            return self.delivered_seq, self.read_seq
        return self.shown_delivered_seq, self.shown_read_seq


class RoomRecord(Struct, frozen=True, kw_only=True):
    """A room without its people.

    ``rev`` is the head of the log, ``changed_rev`` the latest change that was to the room
    rather than to a message, ``last_message_seq`` the newest message (0: none yet).
    """

    room_id: RoomId
    kind: RoomKind
    name: str
    description: str
    settings: RoomSettings
    created_by: UserId
    created_at: datetime
    rev: Rev
    changed_rev: Rev
    participant_count: int
    last_activity: datetime
    last_message_seq: Seq = Seq(0)

    def readable_from(self, member: Member) -> Seq:
        """The first message that ``member`` may read: public rooms are read whole."""
        return member.joined_seq if self.settings.is_private else Seq(0)


class RoomState(Struct, frozen=True, kw_only=True):
    """A room with its people, and those messages that the commands at hand refer to."""

    record: RoomRecord
    members: Mapping[UserId, Member]
    messages: Mapping[Seq, MessageState] = {}

    @property
    def rev(self) -> Rev:
        return self.record.rev

    @property
    def exists(self) -> bool:
        return self.record.rev > 0

    @property
    def is_concealed(self) -> bool:
        """Whether it is, from somebody in it; that this ends is in no entry of the log."""
        is_direct = self.record.kind == "direct"
        return is_direct and any(member.concealed for member in self.members.values())

    def admins(self) -> list[Member]:
        """The admins, in the order of their joining."""
        return [member for member in self.members.values() if member.role == "admin"]

    def apply(self, entry: Entry) -> "RoomState":
        """The room after ``entry``, which must be the one after ``rev``."""
        if entry.rev != self.rev + 1:
            raise ValueError(f"entry {entry.rev} does not follow {self.rev}")
        return RoomState(
            record=record_after(self.record, entry),
            members=members_after(self.members, entry),
            messages=_messages_after(self.messages, entry),
        )

    def after_message(self, posted_at: datetime | None) -> "RoomState":
        """The room after one more change of a message, which is a new one if it was posted."""
        rev = Rev(self.rev + 1)
        record = replace(self.record, rev=rev)
        if posted_at is not None:
            record = replace(record, last_activity=posted_at, last_message_seq=Seq(rev))
        return RoomState(record=record, members=self.members)


def nonexistent(room_id: RoomId) -> RoomState:
    """A room before its first entry: nobody is in it."""
    record = RoomRecord(
        room_id=room_id,
        kind="group",
        name="",
        description="",
        settings=RoomSettings(),
        created_by=UserId(""),
        created_at=EPOCH,
        rev=Rev(0),
        changed_rev=Rev(0),
        participant_count=0,
        last_activity=EPOCH,
    )
    return RoomState(record=record, members={})


def record_after(record: RoomRecord, entry: Entry) -> RoomRecord:
    """The record once ``entry`` is in."""
    record = replace(record, rev=entry.rev)
    match entry.change:
        case MessagePosted():
            return replace(record, last_activity=entry.at, last_message_seq=Seq(entry.rev))
        case RoomCreated() as created:
            return _created(record, entry, created)
        case RoomUpdated() as updated:
            return _updated(record, updated)
        case MembersAdded(user_ids=user_ids):
            return _with_people(record, record.participant_count + len(user_ids))
        case MemberRemoved():
            return _with_people(record, record.participant_count - 1)
        case RoleChanged():
            return _with_people(record, record.participant_count)
        case _:
            return record


def _created(record: RoomRecord, entry: Entry, change: RoomCreated) -> RoomRecord:
    return replace(
        record,
        kind=change.room_kind,
        name=change.name,
        description=change.description,
        settings=change.settings,
        created_by=entry.actor_id,
        created_at=entry.at,
        last_activity=entry.at,
        changed_rev=entry.rev,
        participant_count=len(change.members),
    )


def _updated(record: RoomRecord, change: RoomUpdated) -> RoomRecord:
    return replace(
        record,
        name=record.name if change.name is None else change.name,
        description=record.description if change.description is None else change.description,
        settings=change.settings or record.settings,
        changed_rev=record.rev,
    )


def _with_people(record: RoomRecord, count: int) -> RoomRecord:
    return replace(record, participant_count=count, changed_rev=record.rev)


def members_after(members: Mapping[UserId, Member], entry: Entry) -> Mapping[UserId, Member]:
    """The people once ``entry`` is in; the same mapping where nobody's place changed."""
    match entry.change:
        case RoomCreated(room_kind=kind, members=user_ids, concealed=concealed):
            return {
                user_id: Member(
                    user_id=user_id,
                    role="admin" if kind == "group" and user_id == entry.actor_id else "member",
                    joined_seq=Seq(entry.rev),
                    concealed=concealed and user_id != entry.actor_id,
                )
                for user_id in user_ids
            }
        case MembersAdded(user_ids=user_ids):
            joined = Seq(entry.rev)
            added = {
                user_id: Member(user_id=user_id, role="member", joined_seq=joined)
                for user_id in user_ids
            }
            return {**members, **added}
        case MemberRemoved(user_id=removed):
            return {key: member for key, member in members.items() if key != removed}
        case RoleChanged(user_id=user_id, role=role):
            return {**members, user_id: replace(members[user_id], role=role)}
        case _:
            return members


def _messages_after(
    messages: Mapping[Seq, MessageState], entry: Entry
) -> Mapping[Seq, MessageState]:
    change = entry.change
    if isinstance(change, MessagePosted):
        return {**messages, Seq(entry.rev): posted(entry, change)}
    target = target_of(change)
    if target is None or target not in messages:
        return messages
    return {**messages, target: project(messages[target], entry)}
