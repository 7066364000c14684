"""From states to what clients see. Pure: whatever must be looked up is passed in."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET

from whatchat.domain.ids import MessageId, UserId, message_id
from whatchat.domain.message_state import MessageState, ReactionMark
from whatchat.domain.models import Message, Participant, Reaction, Room, User
from whatchat.domain.room_state import Member, RoomRecord
from whatchat.domain.times import timestamp


def unknown_user(user_id: UserId) -> User:
    """What stands in for somebody whose account is gone."""
    return User(id=user_id, username="deleted", display_name="deleted")


def show_message(state: MessageState, sender: User) -> Message:
    """A message as clients see it."""
    return Message(
        id=message_id(state.room_id, state.seq),
        room_id=state.room_id,
        seq=state.seq,
        rev=state.rev,
        client_id=state.client_id,
        sender=sender,
        message_type=state.message_type,
        content=state.content,
        reply_to=_reply_to(state) or UNSET,
        created_at=timestamp(state.created_at),
        edited_at=timestamp(state.edited_at) if state.edited_at else UNSET,
        deleted_at=timestamp(state.deleted_at) if state.deleted_at else UNSET,
        erased_at=timestamp(state.erased_at) if state.erased_at else UNSET,
        expires_at=timestamp(state.expires_at) if state.expires_at else UNSET,
        reactions=_reactions(state.reactions),
    )


def show_messages(states: Iterable[MessageState], users: Mapping[UserId, User]) -> list[Message]:
    """Messages whose senders have been looked up."""
    return [
        show_message(state, users.get(state.sender_id) or unknown_user(state.sender_id))
        for state in states
    ]


def show_participants(
    members: Sequence[Member], users: Mapping[UserId, User], viewer_id: UserId | None
) -> list[Participant]:
    """Members who have been looked up, as one of them sees them, or ``None``: as all may."""
    return [_shown_participant(member, users, viewer_id) for member in members]


def _shown_participant(
    member: Member, users: Mapping[UserId, User], viewer_id: UserId | None
) -> Participant:
    delivered_seq, read_seq = member.known_to(viewer_id)
    return Participant(
        user=users.get(member.user_id) or unknown_user(member.user_id),
        role=member.role,
        delivered_seq=delivered_seq,
        read_seq=read_seq,
    )


def show_room(
    record: RoomRecord,
    participants: list[Participant],
    *,
    unread: int | None = None,
    last_message: Message | None = None,
) -> Room:
    """A room with the participants that it lists."""
    return Room(
        id=record.room_id,
        kind=record.kind,
        name=record.name,
        description=record.description,
        participant_count=record.participant_count,
        participants=participants,
        settings=record.settings,
        rev=record.rev,
        created_at=timestamp(record.created_at),
        last_activity=timestamp(record.last_activity),
        unread=UNSET if unread is None else unread,
        last_message=last_message or UNSET,
    )


def _reply_to(state: MessageState) -> MessageId | None:
    return None if state.reply_to is None else message_id(state.room_id, state.reply_to)


def _reactions(marks: Sequence[ReactionMark]) -> list[Reaction]:
    users: dict[str, list[UserId]] = {}
    for mark in marks:
        if mark.present:
            users.setdefault(mark.emoji, []).append(mark.user_id)
    return [Reaction(emoji=emoji, users=ids) for emoji, ids in users.items()]
