"""A message's current state: the projection of its entry and of the changes to it."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionChanged,
)
from whatchat.domain.models import MessageType


class ReactionMark(Struct, frozen=True, kw_only=True):
    """Whether ``user_id`` reacts with ``emoji`` since ``rev``.

    A withdrawn mark stays with its rev, so that a late projection cannot revive it.
    """

    emoji: str
    user_id: UserId
    rev: Rev
    present: bool


class MessageState(Struct, frozen=True, kw_only=True):
    """A message as it is now. Each field carries its own rev: see :func:`project`."""

    room_id: RoomId
    seq: Seq
    rev: Rev
    sender_id: UserId
    client_id: ClientId
    message_type: MessageType
    content: str
    content_rev: Rev
    created_at: datetime
    reply_to: Seq | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    reactions: tuple[ReactionMark, ...] = ()


def posted(entry: Entry, change: MessagePosted) -> MessageState:
    """The state that a new message starts in."""
    return MessageState(
        room_id=entry.room_id,
        seq=Seq(entry.rev),
        rev=entry.rev,
        sender_id=entry.actor_id,
        client_id=entry.client_id,
        message_type=change.message_type,
        content=change.content,
        content_rev=entry.rev,
        created_at=entry.at,
        reply_to=change.reply_to,
    )


def project(state: MessageState, entry: Entry) -> MessageState:
    """``state`` with ``entry`` taken into account.

    Late and repeated projections are harmless in any order: the highest edit wins, each
    person's emoji takes its highest change, and a deletion is final.
    """
    changed = _apply(state, entry, entry.change)
    return replace(changed, rev=max(state.rev, entry.rev))


def as_known_outside(state: MessageState) -> MessageState:
    """What a sender may know of a message that it can no longer read: nothing of others'."""
    return replace(state, rev=Rev(state.seq), reactions=())


def _apply(state: MessageState, entry: Entry, change: AnyChange) -> MessageState:
    match change:
        case MessageDeleted():
            return _tombstone(state, min(state.deleted_at or entry.at, entry.at))
        case _ if state.deleted_at:
            return state
        case MessageEdited(content=content) if entry.rev > state.content_rev:
            return replace(state, content=content, content_rev=entry.rev, edited_at=entry.at)
        case ReactionChanged():
            return replace(state, reactions=_mark(state.reactions, entry, change))
        case _:
            return state


def _tombstone(state: MessageState, deleted_at: datetime) -> MessageState:
    return replace(
        state,
        content="",
        content_rev=Rev(0),
        edited_at=None,
        deleted_at=deleted_at,
        reactions=(),
    )


def _mark(
    marks: tuple[ReactionMark, ...], entry: Entry, change: ReactionChanged
) -> tuple[ReactionMark, ...]:
    def is_same(mark: ReactionMark) -> bool:
        return mark.emoji == change.emoji and mark.user_id == entry.actor_id

    if any(is_same(mark) and mark.rev >= entry.rev for mark in marks):
        return marks
    new = ReactionMark(
        emoji=change.emoji, user_id=entry.actor_id, rev=entry.rev, present=change.present
    )
    others = (mark for mark in marks if not is_same(mark))
    return tuple(sorted((*others, new), key=lambda mark: mark.rev))
