"""What is held of one room, and how a change folds in. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from whatchat.client.events import (
    MessageEvent,
    Read,
    Received,
    RoomChange,
    RoomCreated,
    RoomUpdated,
)
from whatchat.client.views import Message, Participant, Receipt, Room, SyncedRoom
from whatchat.domain.contract import RoomEvent
from whatchat.domain.ids import MessageId, Rev, Seq, UserId
from whatchat.domain.models import User

HELD_MESSAGES: Final = 5_000
"""The newest so many messages of a room are held."""

UNREAD_CAP: Final = 100
"""``unread`` is exact below this, which means "or more"."""


class RoomView(Struct, frozen=True, kw_only=True):
    """One room as it was at ``cursor``, up to which nothing is missing.

    ``messages`` are those from ``floor`` on, in the order of their ``seq``, each at its
    highest ``rev``. ``receipts`` holds whoever has got anything. ``has_past`` is false while
    a snapshot is needed: older messages count, or may be readable, that are not held.
    """

    room: Room
    cursor: Rev
    floor: Seq
    messages: dict[MessageId, Message] = {}
    receipts: Mapping[UserId, Receipt] = {}
    has_past: bool = True


def started(event: RoomCreated | RoomUpdated, me: User) -> RoomView:
    """A room of which nothing was held. Whoever comes into a private one has no past there."""
    room = replace(event.room, unread=event.room.unread or 0)
    view = RoomView(room=room, cursor=Rev(event.rev - 1), floor=Seq(event.rev))
    has_past = event.rev == 1 or (isinstance(event, RoomCreated) and room.settings.is_private)
    return replace(fold(view, event, me), has_past=has_past)


def fold(view: RoomView, event: RoomEvent, me: User) -> RoomView:
    """The room after ``event``, which must be the one after its cursor."""
    match event:
        case MessageEvent(message=message):
            view = with_messages(view, [message], me)
        case RoomCreated(room=room, change=change) | RoomUpdated(room=room, change=change):
            view = _with_room(view, room, change or None, me)
    return _at(view, event.rev)


def with_messages(view: RoomView, changed: Iterable[Message], me: User) -> RoomView:
    """The room with these messages in their current state."""
    for message in sorted(changed, key=lambda message: message.seq):
        held = view.messages.get(message.id)
        if held is None and message.seq >= view.floor:
            view = _with_new(view, message, me)
        elif held is not None and message.rev > held.rev:
            view = _with_changed(view, message)
    return view


def with_receipt(view: RoomView, event: Received, me: User) -> RoomView:
    """The room with somebody's receipt, which only ever grows; who has read has also received."""
    read = event.seq if isinstance(event, Read) else Seq(0)
    receipt = Receipt(user_id=event.user_id, delivered_seq=event.seq, read_seq=read)
    return _with_receipts(view, [receipt], me)


def snapshot(answer: SyncedRoom, room: Room, held: RoomView | None, me: User) -> RoomView:
    """The room as a snapshot shows it, which replaces what is held.

    What live events brought while the snapshot was under way stays.
    """
    fresh = RoomView(
        room=replace(room, rev=answer.rev, unread=room.unread or 0),
        cursor=answer.rev,
        floor=min((message.seq for message in answer.messages), default=Seq(answer.rev)),
        messages={message.id: message for message in answer.messages},
    )
    fresh = _showing_receipts(fresh, answer.receipts)
    if held is None or held.cursor <= answer.rev:
        return fresh
    newer = [message for message in held.messages.values() if message.rev > answer.rev]
    merged = with_messages(fresh, newer, me)
    reckoned = merged.room
    now = replace(held.room, unread=reckoned.unread, last_message=reckoned.last_message)
    merged = _with_receipts(replace(merged, room=now), held.receipts.values(), me)
    return _at(merged, held.cursor)


def recovered(answer: SyncedRoom, view: RoomView, me: User) -> RoomView:
    """The room with all that changed since its cursor."""
    view = _with_receipts(view, answer.receipts, me)
    view = with_messages(view, answer.messages, me)
    if answer.room is not UNSET and answer.rev > view.cursor:
        view = _with_room(view, answer.room, None, me)
    return _at(view, max(view.cursor, answer.rev))


def same_room(one: Room, other: Room) -> bool:
    """Whether two states of a room differ in nothing that a change of the room could change."""
    return _essence(one) == _essence(other)


def _at(view: RoomView, cursor: Rev) -> RoomView:
    return replace(view, cursor=cursor, room=replace(view.room, rev=cursor))


def _with_new(view: RoomView, message: Message, me: User) -> RoomView:
    """With a message not held yet, whether it is the newest or was changed after newer ones."""
    messages = {**view.messages, message.id: message}
    if view.messages and view.messages[next(reversed(view.messages))].seq > message.seq:
        messages = {one.id: one for one in sorted(messages.values(), key=lambda one: one.seq)}
    room, last = view.room, view.room.last_message
    if last is UNSET or message.seq > last.seq:
        room = replace(room, last_activity=message.created_at, last_message=message)
    if _counts(message, me) and message.seq > _receipt(view.receipts, me.id).read_seq:
        room = replace(room, unread=min((room.unread or 0) + 1, UNREAD_CAP))
    return _trimmed(replace(view, room=room, messages=messages))


def _with_changed(view: RoomView, message: Message) -> RoomView:
    messages = {**view.messages, message.id: message}
    last = view.room.last_message
    is_last = last is not UNSET and last.id == message.id
    room = replace(view.room, last_message=message) if is_last else view.room
    return replace(view, room=room, messages=messages)


def _trimmed(view: RoomView) -> RoomView:
    if len(view.messages) <= HELD_MESSAGES:
        return view
    messages = dict(view.messages)
    del messages[next(iter(messages))]
    oldest = messages[next(iter(messages))]
    return replace(view, messages=messages, floor=oldest.seq)


def _with_room(view: RoomView, room: Room, change: RoomChange | None, me: User) -> RoomView:
    """The room's own properties renewed; what is the viewer's own is kept.

    Where what may be read has changed, the past has to be fetched anew.
    """
    held = view.room
    renewed = replace(
        room,
        participants=_listed(room, held, me),
        unread=held.unread,
        last_message=held.last_message,
    )
    is_as_readable = room.settings.is_private == held.settings.is_private
    view = replace(
        view,
        room=renewed,
        receipts=_remaining(view, room, change),
        has_past=view.has_past and is_as_readable,
    )
    return _with_receipts(view, [], me)


def _remaining(view: RoomView, room: Room, change: RoomChange | None) -> Mapping[UserId, Receipt]:
    """The receipts of those still there: who joins again begins anew."""
    if room.participant_count == len(room.participants):
        there = {participant.user.id for participant in room.participants}
        return {key: one for key, one in view.receipts.items() if key in there}
    gone = set(change.user_ids) if change and change.kind in {"left", "removed"} else set()
    return {key: one for key, one in view.receipts.items() if key not in gone}


def _listed(room: Room, held: Room, me: User) -> tuple[Participant, ...]:
    """The participants; oneself as well where only the admins are listed."""
    people = room.participants
    if room.participant_count == len(people) or any(one.user.id == me.id for one in people):
        return people
    own = next((one for one in held.participants if one.user.id == me.id), None)
    return (*people, replace(own, role="member") if own else Participant(user=me, role="member"))


def _with_receipts(view: RoomView, told: Iterable[Receipt], me: User) -> RoomView:
    """Receipts grown by what is told; unread counts from where one has read to."""
    had_read = _receipt(view.receipts, me.id).read_seq
    view = _showing_receipts(view, told)
    return view if _receipt(view.receipts, me.id).read_seq == had_read else _recount(view, me)


def _showing_receipts(view: RoomView, told: Iterable[Receipt]) -> RoomView:
    """Receipts grown by what is told and by what the participants show; both then agree."""
    people = view.room.participants
    receipts = _grown(view.receipts, [*map(_receipt_of, people), *told])
    shown = tuple(_with_own_receipt(one, receipts) for one in people)
    return replace(view, room=replace(view.room, participants=shown), receipts=receipts)


def _counts(message: Message, me: User) -> bool:
    """Whether a message is unread until it is read: others' are, but for what the server says."""
    return message.sender.id != me.id and message.message_type != "system"


def _recount(view: RoomView, me: User) -> RoomView:
    """Unread counted again from what is held, or by a snapshot where that is too little."""
    read = _receipt(view.receipts, me.id).read_seq
    unread = view.room.unread or 0
    left = sum(one.seq > read and _counts(one, me) for one in view.messages.values())
    if read < view.floor and unread > left:
        return replace(view, has_past=False)
    return replace(view, room=replace(view.room, unread=min(left, unread)))


def _grown(receipts: Mapping[UserId, Receipt], told: Iterable[Receipt]) -> Mapping[UserId, Receipt]:
    grown = dict(receipts)
    for one in told:
        held = _receipt(grown, one.user_id)
        delivered = max(held.delivered_seq, one.delivered_seq)
        read = max(held.read_seq, one.read_seq)
        if delivered or read:
            grown[one.user_id] = replace(held, delivered_seq=delivered, read_seq=read)
    return grown


def _receipt(receipts: Mapping[UserId, Receipt], user_id: UserId) -> Receipt:
    return receipts.get(user_id) or Receipt(user_id=user_id)


def _receipt_of(one: Participant) -> Receipt:
    return Receipt(user_id=one.user.id, delivered_seq=one.delivered_seq, read_seq=one.read_seq)


def _with_own_receipt(one: Participant, receipts: Mapping[UserId, Receipt]) -> Participant:
    receipt = _receipt(receipts, one.user.id)
    return replace(one, delivered_seq=receipt.delivered_seq, read_seq=receipt.read_seq)


def _essence(room: Room) -> tuple[object, ...]:
    people: Sequence[tuple[UserId, str]] = [(one.user.id, one.role) for one in room.participants]
    return room.name, room.description, room.settings, room.participant_count, people
