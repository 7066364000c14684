"""The client's state as a pure function of what it was told.

One rule keeps it right: per room, ``rev == cursor + 1`` is applied, what is not newer is
dropped, and what lies beyond a gap is held until the gap closes or ``sync`` answers.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from msgspec import UNSET, Struct
from msgspec.structs import replace

from whatchat.client import room_view
from whatchat.client.events import (
    MessageChanged,
    MessageErased,
    MessageSent,
    Received,
    RoomCreated,
    RoomRemoved,
    RoomReplaced,
    RoomUpdated,
    SessionReady,
)
from whatchat.client.room_view import RoomView
from whatchat.client.views import Message, Room, SyncAnswer, SyncedRoom
from whatchat.domain.contract import Event, RoomEvent
from whatchat.domain.ids import Rev, RoomId, Seq
from whatchat.domain.models import User

HELD_EARLY: Final = 500
"""At most so many events of a room wait beyond a gap; the latest, for ``sync`` has the rest."""

Early = Mapping[RoomId, Mapping[Rev, RoomEvent]]


class State(Struct, frozen=True, kw_only=True):
    """All that one user's client holds.

    ``early`` are events beyond a gap, those of rooms not held yet included; ``left`` the
    revs at which rooms ended, so that no repeated event revives them. ``receipts_at`` is up to
    when all receipts are known, as ``sync`` has it.
    """

    me: User
    epoch: str = ""
    rooms: Mapping[RoomId, RoomView] = {}
    early: Early = {}
    left: Mapping[RoomId, Rev] = {}
    receipts_at: str = ""


class Step(NamedTuple):
    """A state and the events, in order, that led to it: each change once."""

    state: State
    events: tuple[Event, ...] = ()


def apply(state: State, event: Event) -> State:
    """The state after an event; an event that comes again changes nothing."""
    return advance(state, [event]).state


def absorb(state: State, answer: SyncAnswer) -> State:
    """The state after an answer to ``sync``."""
    return catch_up(state, answer).state


def acked(state: State, answer: Message | Room) -> State:
    """The state after the ack of an own command, which fills the rev of the change it made."""
    return advance(state, acknowledged(state, answer)).state


def gaps(state: State) -> dict[RoomId, Rev]:
    """The rooms of which something is missing, with the cursors to ``sync`` them from."""
    held = cursors(state)
    blind = {room_id: Rev(0) for room_id, view in state.rooms.items() if not view.has_past}
    return {room_id: held.get(room_id, Rev(0)) for room_id in state.early} | blind


def cursors(state: State) -> dict[RoomId, Rev]:
    """Where to ``sync`` every room from; 0, for a snapshot, where the past is missing."""
    return {
        room_id: view.cursor if view.has_past else Rev(0) for room_id, view in state.rooms.items()
    }


def newest_by_others(state: State) -> dict[RoomId, Seq]:
    """The newest message by somebody else in each room, up to which nothing is missing."""
    found: dict[RoomId, Seq] = {}
    for room_id, view in state.rooms.items():
        for message in reversed(view.messages.values()):
            if message.sender.id != state.me.id:
                found[room_id] = message.seq
                break
    return found


def advance(state: State, events: Iterable[Event]) -> Step:
    """:func:`apply` over several events, telling which changes took effect."""
    applied: list[Event] = []
    for event in events:
        step = _after(state, event)
        state = step.state
        applied += step.events
    return Step(state, tuple(applied))


def acknowledged(state: State, answer: Message | Room) -> list[Event]:
    """What an ack says that no event tells this socket.

    A message that a retry found may have changed since: both its revs are known then. Of
    its own changes to a room a socket hears like any other, so that an ack brings only a
    room not held yet, at whatever rev it is by now.
    """
    if isinstance(answer, Message):
        sent = MessageSent(room_id=answer.room_id, rev=Rev(answer.seq), message=answer)
        return [sent] if answer.rev == sent.rev else [sent, _change_of(answer)]
    if answer.id in state.rooms:
        return []
    return [RoomUpdated(room_id=answer.id, rev=answer.rev, room=answer)]


def catch_up(state: State, answer: SyncAnswer) -> Step:
    """:func:`absorb`, telling the changes that it brought."""
    if answer.epoch != state.epoch:
        state = State(me=state.me, epoch=answer.epoch)
    applied: list[Event] = []
    for synced in answer.rooms:
        step = _after_sync(state, synced)
        state = step.state
        applied += step.events
    for room_id in answer.removed:
        step = _without(state, room_id, _cursor(state, room_id))
        state = step.state
        applied += step.events
    if answer.receipts_at:
        state = replace(state, receipts_at=answer.receipts_at)
    return Step(state, tuple(applied))


def _after(state: State, event: Event) -> Step:
    match event:
        case RoomEvent(rev=rev, room_id=room_id) if rev <= _cursor(state, room_id):
            return Step(state)
        case RoomRemoved(rev=rev, room_id=room_id):
            return _without(state, room_id, rev, event)
        case RoomCreated(room_id=room_id) | RoomUpdated(room_id=room_id) if (
            room_id not in state.rooms
        ):
            started = room_view.started(event, state.me)
            return _drained(_holding(state, room_id, started), room_id, [event])
        case RoomEvent(room_id=room_id):
            return _drained(_waiting(state, event), room_id)
        case Received(room_id=room_id) if room_id in state.rooms:
            view = room_view.with_receipt(state.rooms[room_id], event, state.me)
            return Step(_holding(state, room_id, view), (event,))
        case SessionReady(epoch=epoch) if epoch != state.epoch:
            return Step(State(me=state.me, epoch=epoch), (event,))
        case _:
            return Step(state, (event,))


def _after_sync(state: State, answer: SyncedRoom) -> Step:
    room_id = answer.room_id
    held = state.rooms.get(room_id)
    if answer.state == "snapshot" and answer.room is not UNSET:
        view = room_view.snapshot(answer, answer.room, held, state.me)
        replaced = RoomReplaced(room_id=room_id, rev=view.cursor)
        return _drained(_holding(state, room_id, view), room_id, [replaced])
    if held is None:
        return Step(state)
    view = room_view.recovered(answer, held, state.me)
    return _drained(_holding(state, room_id, view), room_id, _recovery(answer, held, view))


def _recovery(answer: SyncedRoom, before: RoomView, after: RoomView) -> list[Event]:
    """What the events would have told, had they come."""
    events: list[Event] = []
    for message in answer.messages:
        held = before.messages.get(message.id)
        if held is None and message.id in after.messages:
            events.append(MessageSent(room_id=message.room_id, rev=message.rev, message=message))
        elif held is not None and held.rev < message.rev:
            events.append(_change_of(message))
    if room_view.same_room(before.room, after.room):
        return events
    return [*events, RoomUpdated(room_id=answer.room_id, rev=after.cursor, room=after.room)]


def _change_of(message: Message) -> MessageChanged | MessageErased:
    kind = MessageChanged if message.deleted_at is UNSET else MessageErased
    return kind(room_id=message.room_id, rev=message.rev, message=message)


def _cursor(state: State, room_id: RoomId) -> Rev:
    """The rev up to which nothing new is to be heard of a room, held or left."""
    view = state.rooms.get(room_id)
    return view.cursor if view else state.left.get(room_id, Rev(0))


def _waiting(state: State, event: RoomEvent) -> State:
    """With an event held until it is its turn."""
    waiting = {event.rev: event, **state.early.get(event.room_id, {})}
    if len(waiting) > HELD_EARLY:
        del waiting[min(waiting)]
    return replace(state, early={**state.early, event.room_id: waiting})


def _drained(state: State, room_id: RoomId, applied: Iterable[Event] = ()) -> Step:
    """With those early events applied whose turn it is, and those that came too late dropped."""
    events = list(applied)
    view = state.rooms.get(room_id)
    waiting = dict(state.early.get(room_id, {}))
    while view and (event := waiting.pop(Rev(view.cursor + 1), None)):
        view = room_view.fold(view, event, state.me)
        events.append(event)
    if view:
        waiting = {rev: event for rev, event in waiting.items() if rev > view.cursor}
        state = _holding(state, room_id, view)
    others = {key: held for key, held in state.early.items() if key != room_id}
    early = {**others, room_id: waiting} if waiting else others
    return Step(replace(state, early=early), tuple(events))


def _holding(state: State, room_id: RoomId, view: RoomView) -> State:
    left = {key: rev for key, rev in state.left.items() if key != room_id}
    return replace(state, rooms={**state.rooms, room_id: view}, left=left)


def _without(state: State, room_id: RoomId, rev: Rev, event: RoomEvent | None = None) -> Step:
    """Without a room, and without what came of it before ``rev``."""
    was_held = room_id in state.rooms
    waiting = state.early.get(room_id, {})
    early = {key: held for key, held in state.early.items() if key != room_id}
    if later := {at: one for at, one in waiting.items() if event and at > rev}:
        early[room_id] = later
    rooms = {key: view for key, view in state.rooms.items() if key != room_id}
    left = {**state.left, room_id: rev}
    told = (event or RoomRemoved(room_id=room_id, rev=rev),) if was_held else ()
    return Step(replace(state, rooms=rooms, early=early, left=left), told)
