"""A message's current state: the projection of its entry and of the changes to it."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    MessagePosted,
    ReactionChanged,
)
from whatchat.domain.models import MessageType


class ReactionMark(Struct, frozen=True, kw_only=True):
    """Whether ``user_id`` reacts with ``emoji`` since ``rev``.

    A withdrawn mark stays with its rev, so that a late projection cannot revive it.
    ``hidden``: from everybody but the user.
    """

    emoji: str
    user_id: UserId
    rev: Rev
    present: bool
    hidden: bool = False


class Veil(Struct, frozen=True, kw_only=True):
    """What everybody but the sender sees in place of a message's content: see :func:`project`."""

    content: str
    content_rev: Rev
    edited_at: datetime | None = None


class HiddenChange(Struct, frozen=True, kw_only=True):
    """The latest change by ``user_id`` that is hidden from everybody else."""

    user_id: UserId
    rev: Rev


class MessageState(Struct, frozen=True, kw_only=True):
    """A message as it is now. Each field carries its own rev: see :func:`project`.

    ``hidden``: from everybody but the sender. ``veil`` is there where the latest edit is
    hidden; with the first hidden change come ``open_rev``, the latest that is not, and
    ``hidden_changes``, by user. At ``expires_at`` the message is over, erased by then or not.
    ``erased_at``: the content was given up, as every device had it; it is no deletion.
    """

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
    hidden: bool = False
    veil: Veil | None = None
    open_rev: Rev | None = None
    hidden_changes: tuple[HiddenChange, ...] = ()
    expires_at: datetime | None = None
    erased_at: datetime | None = None


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
        hidden=change.hidden,
        expires_at=change.expires_at,
    )


def project(state: MessageState, entry: Entry) -> MessageState:
    """``state`` with ``entry`` taken into account.

    Late and repeated projections are harmless in any order: the highest edit wins, each
    person's emoji takes its highest change, and a deletion is final.
    """
    changed = _apply(state, entry, entry.change)
    if is_hidden(entry.change):
        changed = _with_hidden_change(changed, entry)
    elif state.open_rev is not None:
        changed = replace(changed, open_rev=max(state.open_rev, entry.rev))
    return replace(changed, rev=max(state.rev, entry.rev))


def latest_seen(state: MessageState, viewer_id: UserId) -> Rev:
    """The latest change of a message that a person sees, if that person sees the message."""
    if state.open_rev is None:
        return state.rev
    own = (one.rev for one in state.hidden_changes if one.user_id == viewer_id)
    return max((state.open_rev, *own))


def as_of(state: MessageState, now: datetime) -> MessageState:
    """The message at a moment: once its time is over, the tombstone that erasing it will leave."""
    if state.expires_at is None or state.expires_at > now or state.deleted_at:
        return state
    return _tombstone(state, state.expires_at)


def given_up(state: MessageState, at: datetime) -> MessageState:
    """The message once its content was given up; editing it gives it content again."""
    veil = state.veil and replace(state.veil, content="")
    return replace(state, content="", veil=veil, erased_at=at)


def is_hidden(change: AnyChange) -> bool:
    """Whether a change is hidden from everybody but its actor."""
    return isinstance(change, MessagePosted | MessageEdited | ReactionChanged) and change.hidden


def is_counted(change: MessagePosted) -> bool:
    """Whether others have it unread until they read it: it is for them, and by a person."""
    return not change.hidden and change.message_type != "system"


def as_known_outside(state: MessageState) -> MessageState:
    """What a sender may know of a message that it can no longer read: nothing of others'."""
    return replace(
        state, rev=Rev(state.seq), reactions=(), veil=None, open_rev=None, hidden_changes=()
    )


def _apply(state: MessageState, entry: Entry, change: AnyChange) -> MessageState:
    match change:
        case MessageDeleted():
            return _tombstone(state, min(state.deleted_at or entry.at, entry.at))
        case MessageExpired():
            ended = state.expires_at or entry.at
            return _tombstone(state, min(state.deleted_at or ended, ended))
        case _ if state.deleted_at:
            return state
        case MessageEdited():
            return _edited(state, entry, change)
        case ReactionChanged():
            return replace(state, reactions=_mark(state.reactions, entry, change))
        case _:
            return state


def _edited(state: MessageState, entry: Entry, change: MessageEdited) -> MessageState:
    """The highest edit wins, and the highest of those that are not hidden is the veil over it."""
    if entry.rev > state.content_rev:
        veil = None
        if change.hidden:
            veil = state.veil or Veil(
                content=state.content, content_rev=state.content_rev, edited_at=state.edited_at
            )
        return replace(
            state,
            content=change.content,
            content_rev=entry.rev,
            edited_at=entry.at,
            veil=veil,
            erased_at=None,
        )
    if state.veil and not change.hidden and entry.rev > state.veil.content_rev:
        veil = Veil(content=change.content, content_rev=entry.rev, edited_at=entry.at)
        return replace(state, veil=veil)
    return state


def seen_by(state: MessageState, viewer_id: UserId) -> MessageState | None:
    """A message as one person sees it, with the ``rev`` of the latest change that person sees.

    ``None`` if all of it is hidden from that person.
    """
    if state.hidden and state.sender_id != viewer_id:
        return None
    if state.open_rev is None:
        return state
    seen = (one for one in state.reactions if not one.hidden or one.user_id == viewer_id)
    state = replace(state, rev=latest_seen(state, viewer_id), reactions=tuple(seen))
    if state.veil is None or state.sender_id == viewer_id:
        return state
    veil = state.veil
    return replace(
        state, content=veil.content, content_rev=veil.content_rev, edited_at=veil.edited_at
    )


def all_seen_by(states: Iterable[MessageState], viewer_id: UserId) -> list[MessageState]:
    """Those of these messages that one person sees, as that person sees them."""
    seen = (seen_by(state, viewer_id) for state in states)
    return [state for state in seen if state is not None]


def _with_hidden_change(state: MessageState, entry: Entry) -> MessageState:
    own = HiddenChange(user_id=entry.actor_id, rev=entry.rev)
    others = []
    for one in state.hidden_changes:
        if one.user_id != entry.actor_id:
            others.append(one)
        elif one.rev > entry.rev:
            own = one
    open_rev = state.rev if state.open_rev is None else state.open_rev
    changes = sorted((*others, own), key=lambda one: one.user_id)
    return replace(state, open_rev=open_rev, hidden_changes=tuple(changes))


def _tombstone(state: MessageState, deleted_at: datetime) -> MessageState:
    return replace(
        state,
        content="",
        content_rev=Rev(0),
        edited_at=None,
        deleted_at=deleted_at,
        reactions=(),
        veil=None,
        erased_at=None,
    )


def _mark(
    marks: tuple[ReactionMark, ...], entry: Entry, change: ReactionChanged
) -> tuple[ReactionMark, ...]:
    def is_same(mark: ReactionMark) -> bool:
        return mark.emoji == change.emoji and mark.user_id == entry.actor_id

    if any(is_same(mark) and mark.rev >= entry.rev for mark in marks):
        return marks
    new = ReactionMark(
        emoji=change.emoji,
        user_id=entry.actor_id,
        rev=entry.rev,
        present=change.present,
        hidden=change.hidden,
    )
    others = (mark for mark in marks if not is_same(mark))
    return tuple(sorted((*others, new), key=lambda mark: mark.rev))
