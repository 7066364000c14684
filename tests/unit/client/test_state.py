"""The client's state: whatever way the news comes, it ends as a fresh sync would have it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.unit.client.comparable import comparable
from tests.unit.client.room_model import (
    EPOCH,
    ME,
    ROOM_ID,
    Change,
    RoomModel,
    answer,
    model_of,
    person,
)
from whatchat.client import room_view
from whatchat.client import state as states
from whatchat.client.events import (
    Delivered,
    MessageChanged,
    MessageSent,
    Read,
    RevTaken,
    RoomChange,
    RoomCreated,
    RoomRemoved,
    RoomReplaced,
    RoomUpdated,
    SessionReady,
    TypingStarted,
)
from whatchat.client.state import HELD_EARLY, State, absorb, acked, apply, cursors, gaps
from whatchat.client.views import Participant, RoomSettings, SyncAnswer
from whatchat.domain.contract import Event
from whatchat.domain.ids import DeviceId, Rev, RoomId, Seq, SessionId, UserId

EMPTY = State(me=ME, epoch=EPOCH)

change = st.builds(
    Change,
    kind=st.sampled_from(
        ["post", "post", "post", "edit", "delete", "react", "rename", "leave", "join"]
    ),
    who=st.sampled_from(["me", "ann", "bob"]),
    target=st.integers(0, 30),
)
models = st.lists(change, min_size=1, max_size=25).map(model_of)


def fresh(model: RoomModel) -> State:
    return absorb(EMPTY, model.snapshot())


def told(state: State, events: Sequence[Event]) -> State:
    return states.advance(state, events).state


def recover(state: State, model: RoomModel, *, limit: int = 1_000) -> State:
    """Page by page, as the client does."""
    more = True
    while more:
        page = model.recovered(cursors(state)[ROOM_ID], limit=limit)
        state = absorb(state, page)
        more = page.more
    return state


def heard(model: RoomModel, rev: int, data: st.DataObject) -> list[Event]:
    """How one socket learns of a change: an event, or for its own message the ack."""
    if model.is_own_message_change(rev) and data.draw(st.booleans()):
        return states.acknowledged(EMPTY, model.ack(rev))
    return [model.event(rev, as_of=data.draw(st.integers(rev, model.head)))]


@given(models, st.data())
def test_news_in_any_order_and_repeated_ends_as_a_fresh_sync(
    model: RoomModel, data: st.DataObject
) -> None:
    start = data.draw(st.integers(1, model.head))
    news = [
        event
        for rev in range(start + 1, model.head + 1)
        for event in heard(model, rev, data) * data.draw(st.integers(1, 2))
    ]
    state = told(absorb(EMPTY, model.snapshot(start)), data.draw(st.permutations(news)))
    assert comparable(state) == comparable(fresh(model))
    assert gaps(state) == {}


@given(models)
def test_the_whole_life_of_a_room_ends_as_a_fresh_sync(model: RoomModel) -> None:
    state = told(EMPTY, [model.event(rev) for rev in range(1, model.head + 1)])
    assert comparable(state) == comparable(fresh(model))
    assert gaps(state) == {}


@given(models, st.data())
def test_a_repeated_event_changes_nothing(model: RoomModel, data: st.DataObject) -> None:
    state = told(EMPTY, [model.event(rev) for rev in range(1, model.head + 1)])
    rev = data.draw(st.integers(1, model.head))
    step = states.advance(state, [model.event(rev)])
    assert step.state == state
    assert step.events == ()


@given(models, st.data())
def test_a_dropped_event_is_noticed_by_the_next(model: RoomModel, data: st.DataObject) -> None:
    model.make(Change("post", "ann"))
    missing = data.draw(st.sets(st.integers(2, model.head - 1), min_size=1))
    kept = [model.event(rev) for rev in range(1, model.head + 1) if rev not in missing]
    state = told(EMPTY, kept)
    assert gaps(state) == {ROOM_ID: min(missing) - 1}
    assert comparable(recover(state, model)) == comparable(fresh(model))
    assert gaps(recover(state, model)) == {}


@given(models, st.integers(1, 5), st.data())
def test_recovery_in_pages_mixed_with_events_ends_as_a_fresh_sync(
    model: RoomModel, limit: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(1, model.head))
    state = absorb(EMPTY, model.snapshot(start))
    some = data.draw(st.sets(st.integers(1, model.head)))
    state = recover(told(state, [model.event(rev) for rev in some]), model, limit=limit)
    state = told(state, [model.event(rev) for rev in range(1, model.head + 1)])
    assert comparable(state) == comparable(fresh(model))


@given(models, st.data())
def test_a_snapshot_older_than_what_is_held_loses_nothing(
    model: RoomModel, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, model.head))
    events = [model.event(rev) for rev in range(1, model.head + 1)]
    late = data.draw(st.integers(0, len(events)))
    state = told(absorb(told(EMPTY, events[:late]), model.snapshot(old)), events[late:])
    if gaps(state):
        state = recover(state, model)
    assert comparable(state) == comparable(fresh(model))


@given(models, st.data())
def test_reading_counts_unread_again(model: RoomModel, data: st.DataObject) -> None:
    state = told(EMPTY, [model.event(rev) for rev in range(1, model.head + 1)])
    model.read_seq = data.draw(st.integers(1, model.head))
    read = Read(room_id=ROOM_ID, user_id=ME.id, seq=Seq(model.read_seq))
    state = told(state, [read, read])
    assert comparable(state) == comparable(fresh(model))


@given(models, st.integers(1, 5), st.data())
def test_reading_elsewhere_while_away_counts_unread_again(
    model: RoomModel, limit: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(1, model.head))
    state = absorb(EMPTY, model.snapshot(start))
    model.read_seq = data.draw(st.integers(0, model.head))
    assert comparable(recover(state, model, limit=limit)) == comparable(fresh(model))


@given(st.lists(change, min_size=1, max_size=25), st.data())
def test_an_answer_overtaken_by_events_loses_nothing(
    changes: list[Change], data: st.DataObject
) -> None:
    model = model_of(changes[: data.draw(st.integers(0, len(changes)))])
    start = data.draw(st.integers(1, model.head))
    overtaken = model.recovered(start)
    for one in changes:
        model.make(one)
    state = absorb(EMPTY, model.snapshot(start))
    events = [model.event(rev) for rev in range(start + 1, model.head + 1)]
    late = data.draw(st.integers(0, len(events)))
    state = told(absorb(told(state, events[:late]), overtaken), events[late:])
    assert comparable(state) == comparable(fresh(model))


@given(models, st.integers(1, 5), st.data())
def test_reading_between_pages_counts_unread_right(
    model: RoomModel, limit: int, data: st.DataObject
) -> None:
    state = absorb(EMPTY, model.snapshot(data.draw(st.integers(1, model.head))))
    state = absorb(state, model.recovered(cursors(state)[ROOM_ID], limit=limit))
    model.read_seq = data.draw(st.integers(1, model.head))
    state = apply(state, Read(room_id=ROOM_ID, user_id=ME.id, seq=Seq(model.read_seq)))
    assert comparable(recover(state, model, limit=limit)) == comparable(fresh(model))


@given(models, st.data())
def test_the_stream_tells_each_change_once(model: RoomModel, data: st.DataObject) -> None:
    news = [model.event(rev) for rev in range(2, model.head + 1)]
    repeated = data.draw(st.permutations(news + news))
    start = absorb(EMPTY, model.snapshot(1))
    assert list(states.advance(start, repeated).events) == news


def test_unread_is_capped() -> None:
    model = model_of([Change("post", "ann")] * 120)
    state = told(EMPTY, [model.event(rev) for rev in range(1, model.head + 1)])
    assert state.rooms[ROOM_ID].room.unread == 100
    assert comparable(state) == comparable(fresh(model))


def test_unread_is_fetched_where_too_little_is_held_to_count_it() -> None:
    model = model_of([Change("post", "ann")] * 120)
    state = fresh(model)
    for seq, missing in ((30, {ROOM_ID: 0}), (100, {})):
        model.read_seq = seq
        state = apply(state, Read(room_id=ROOM_ID, user_id=ME.id, seq=Seq(seq)))
        assert gaps(state) == missing
        state = absorb(state, model.snapshot()) if missing else state
        assert comparable(state) == comparable(fresh(model))
        assert gaps(state) == {}


def test_reading_what_was_said_before_one_joined_leaves_unread_as_it_is() -> None:
    model = model_of([Change("post", "ann")] * 3)
    joined_late = structs.replace(model.shown(4), unread=0)
    page = structs.replace(model.snapshot().rooms[0], room=joined_late)
    state = absorb(EMPTY, answer(page))
    state = apply(state, Read(room_id=ROOM_ID, user_id=ME.id, seq=Seq(2)))
    assert state.rooms[ROOM_ID].room.unread == 0


def test_a_message_never_goes_back() -> None:
    model = model_of([Change("post", "ann"), Change("edit", "ann"), Change("edit", "ann")])
    state = told(EMPTY, [model.event(1), model.event(2, as_of=4), model.event(3)])
    (message,) = state.rooms[ROOM_ID].messages.values()
    assert message == model.messages[4][2] == state.rooms[ROOM_ID].room.last_message


def test_an_answer_overtaken_by_events_does_not_bring_the_old_room_back() -> None:
    model = model_of([Change("rename", "me")])
    overtaken = model.recovered(1)
    model.make(Change("rename", "me"))
    state = told(EMPTY, [model.event(rev) for rev in (1, 2, 3)])
    assert absorb(state, overtaken) == state


def test_a_snapshot_older_than_what_is_held_keeps_the_receipts() -> None:
    model = model_of([Change("post", "me"), Change("post", "me")])
    state = told(EMPTY, [model.event(rev) for rev in (1, 2, 3)])
    state = apply(state, Read(room_id=ROOM_ID, user_id=UserId("ann"), seq=Seq(3)))
    assert comparable(absorb(state, model.snapshot(2))) == comparable(state)


def test_events_of_a_room_not_held_wait_for_its_snapshot() -> None:
    model = model_of([Change("post", "ann")] * 3)
    state = told(EMPTY, [model.event(4)])
    assert state.rooms == {}
    assert gaps(state) == {ROOM_ID: 0}
    assert comparable(absorb(state, model.snapshot(3))) == comparable(fresh(model))


def test_a_room_come_into_lacks_its_past_if_it_is_public() -> None:
    model = model_of([Change("post", "ann"), Change("rename", "me")])
    public = structs.replace(model.rooms[3], settings=RoomSettings(is_private=False))
    for room, past in ((model.rooms[3], {}), (public, {ROOM_ID: 0})):
        event = RoomCreated(room_id=ROOM_ID, rev=Rev(3), room=room)
        assert gaps(apply(EMPTY, event)) == past
    entered = apply(EMPTY, RoomCreated(room_id=ROOM_ID, rev=Rev(3), room=public))
    assert gaps(absorb(entered, model.snapshot())) == {}


def test_the_past_is_fetched_when_a_room_becomes_public() -> None:
    model = model_of([Change("post", "ann"), Change("rename", "me")])
    state = absorb(EMPTY, model.snapshot(2))
    public = structs.replace(model.rooms[3], settings=RoomSettings(is_private=False))
    state = apply(state, RoomUpdated(room_id=ROOM_ID, rev=Rev(3), room=public))
    assert gaps(state) == {ROOM_ID: 0}


def test_the_ack_of_a_new_room_starts_it() -> None:
    model = RoomModel()
    state = acked(EMPTY, model.shown(1))
    assert comparable(state) == comparable(fresh(model))
    assert gaps(state) == {}
    assert apply(state, model.event(1)) == state


def test_the_ack_of_a_room_that_was_there_fetches_its_past() -> None:
    model = model_of([Change("post", "ann")] * 3)
    state = acked(EMPTY, model.shown(4))
    assert gaps(state) == {ROOM_ID: 0}
    assert comparable(absorb(state, model.snapshot())) == comparable(fresh(model))


def test_the_ack_of_a_room_does_not_pass_over_messages_on_their_way() -> None:
    model = model_of([Change("rename", "me"), Change("post", "ann")])
    state = absorb(EMPTY, model.snapshot(1))
    state = acked(state, model.shown(3))
    state = told(state, [model.event(2), model.event(3)])
    assert comparable(state) == comparable(fresh(model))


def test_a_retry_that_finds_its_message_edited_fills_both_revs() -> None:
    model = model_of([Change("post", "me"), Change("edit", "me")])
    state = acked(absorb(EMPTY, model.snapshot(1)), model.ack(3))
    assert comparable(state) == comparable(fresh(model))


def test_a_change_to_a_message_before_those_held_leaves_no_hole() -> None:
    model = model_of([Change("post", "ann")] * 60)
    state = fresh(model)
    model.make(Change("edit", "ann", target=0))
    state = apply(state, model.event(model.head))
    assert comparable(state) == comparable(fresh(model))
    assert min(message.seq for message in state.rooms[ROOM_ID].messages.values()) == 12


def test_a_rev_without_content_advances_the_cursor() -> None:
    model = RoomModel()
    state = apply(fresh(model), RevTaken(room_id=ROOM_ID, rev=Rev(2)))
    assert cursors(state) == {ROOM_ID: 2}
    assert state.rooms[ROOM_ID].room.rev == 2


def test_what_waits_beyond_a_gap_is_bounded_to_the_latest() -> None:
    model = model_of([Change("post", "ann")] * (HELD_EARLY + 10))
    state = absorb(EMPTY, model.snapshot(1))
    state = told(state, [model.event(rev) for rev in range(3, model.head + 1)])
    assert len(state.early[ROOM_ID]) == HELD_EARLY
    assert model.head in state.early[ROOM_ID]


def test_only_the_newest_messages_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_view, "HELD_MESSAGES", 60)
    model = model_of([Change("post", "ann")] * 120)
    state = told(EMPTY, [model.event(rev) for rev in range(1, model.head + 1)])
    assert list(state.rooms[ROOM_ID].messages) == [f"room{seq}" for seq in range(62, 122)]
    model.make(Change("edit", "ann", target=3))
    state = apply(state, model.event(model.head))
    assert len(state.rooms[ROOM_ID].messages) == 60
    assert comparable(state) == comparable(fresh(model))


def test_what_was_recovered_of_a_room_left_meanwhile_is_nothing() -> None:
    model = model_of([Change("post", "ann")])
    state = told(EMPTY, [model.event(1), removal(3)])
    assert absorb(state, model.recovered(1)) == state


def removal(rev: int) -> RoomRemoved:
    return RoomRemoved(room_id=ROOM_ID, rev=Rev(rev))


def test_a_room_left_is_gone_whatever_is_repeated_of_it() -> None:
    model = model_of([Change("post", "ann")] * 3)
    events = [model.event(rev) for rev in range(1, model.head + 1)]
    state = told(EMPTY, [*events, removal(5)])
    assert state.rooms == {}
    assert told(state, events) == told(state, [*events, removal(5)]) == state
    assert gaps(state) == {}


def test_a_room_left_can_be_come_into_again() -> None:
    model = model_of([Change("post", "ann")] * 3)
    state = told(EMPTY, [model.event(1), removal(2)])
    again = RoomCreated(room_id=ROOM_ID, rev=Rev(3), room=model.rooms[3])
    state = told(state, [again, model.event(4), removal(2)])
    assert cursors(state) == {ROOM_ID: 4}
    assert [message.seq for message in state.rooms[ROOM_ID].messages.values()] == [4]


def test_a_room_come_into_again_before_its_removal_was_heard_is_asked_for() -> None:
    model = model_of([Change("post", "ann")] * 3)
    again = RoomCreated(room_id=ROOM_ID, rev=Rev(4), room=model.rooms[4])
    state = told(EMPTY, [model.event(1), again, removal(2)])
    assert state.rooms == {}
    assert gaps(state) == {ROOM_ID: 0}


def test_a_removal_does_not_wait_for_a_gap_to_close() -> None:
    model = model_of([Change("post", "ann")] * 3)
    state = told(EMPTY, [model.event(1), model.event(3), removal(5)])
    assert state.rooms == {}
    assert gaps(state) == {}


def test_sync_removes_what_can_no_longer_be_seen() -> None:
    model = model_of([Change("post", "ann")])
    other = RevTaken(room_id=RoomId("other"), rev=Rev(7))
    state = told(fresh(model), [other])
    gone = SyncAnswer(epoch=EPOCH, rooms=(), removed=(ROOM_ID, RoomId("other")))
    step = states.catch_up(state, gone)
    assert step.state.rooms == {}
    assert gaps(step.state) == {}
    assert step.events == (RoomRemoved(room_id=ROOM_ID, rev=Rev(2)),)


def test_another_epoch_voids_every_cursor() -> None:
    model = model_of([Change("post", "ann")] * 3)
    ready = SessionReady(
        user_id=ME.id, device_id=DeviceId("d"), session_id=SessionId("s"), epoch="second"
    )
    state = apply(fresh(model), ready)
    assert (state.epoch, cursors(state)) == ("second", {})
    assert apply(state, structs.replace(ready, session_id=SessionId("t"))) == state
    restored = model_of([Change("post", "ann")])
    later = structs.replace(restored.snapshot(), epoch="second")
    for before in (state, fresh(model)):
        assert cursors(absorb(before, later)) == {ROOM_ID: 2}


def test_receipts_only_grow_and_show_in_the_participants() -> None:
    model = model_of([Change("post", "me")] * 4)
    state = fresh(model)
    ann = UserId("ann")
    read = Read(room_id=ROOM_ID, user_id=ann, seq=Seq(3))
    state = told(state, [read, Delivered(room_id=ROOM_ID, user_id=ann, seq=Seq(2))])
    state = apply(state, Delivered(room_id=ROOM_ID, user_id=ann, seq=Seq(4)))
    (shown,) = [one for one in state.rooms[ROOM_ID].room.participants if one.user.id == ann]
    assert (shown.delivered_seq, shown.read_seq) == (4, 3)
    model.make(Change("rename", "me"))
    state = apply(state, model.event(model.head))
    assert shown in state.rooms[ROOM_ID].room.participants


def test_who_comes_back_begins_with_no_receipts() -> None:
    model = model_of([Change("post", "me"), Change("leave", "me"), Change("join", "me")])
    state = absorb(EMPTY, model.snapshot(2))
    state = apply(state, Read(room_id=ROOM_ID, user_id=UserId("bob"), seq=Seq(2)))
    state = told(state, [model.event(3), model.event(4)])
    assert comparable(state) == comparable(fresh(model))


@pytest.mark.parametrize("was_admin", [True, False])
def test_a_large_room_lists_its_admins_and_oneself(was_admin: bool) -> None:
    model = RoomModel()
    state = fresh(model)
    admin = Participant(user=person("ann"), role="admin")
    own = Participant(user=ME, role="admin")
    room = structs.replace(
        model.rooms[1],
        participant_count=101,
        participants=(own, admin) if was_admin else (admin,),
    )
    joined = RoomChange(kind="joined", user_ids=(UserId("zoe"),))
    state = apply(state, RoomUpdated(room_id=ROOM_ID, rev=Rev(2), room=room, change=joined))
    shown = state.rooms[ROOM_ID].room.participants
    expected = (own, admin) if was_admin else (admin, structs.replace(own, role="member"))
    assert shown == expected


def test_who_leaves_a_large_room_loses_the_receipts() -> None:
    bob = UserId("bob")
    model = RoomModel()
    large = structs.replace(
        model.shown(1),
        participant_count=200,
        participants=(Participant(user=ME, role="admin"),),
    )
    state = absorb(EMPTY, answer(structs.replace(model.snapshot().rooms[0], room=large)))
    state = apply(state, Read(room_id=ROOM_ID, user_id=bob, seq=Seq(1)))
    assert bob in state.rooms[ROOM_ID].receipts
    left = RoomChange(kind="left", user_ids=(bob,))
    state = apply(state, RoomUpdated(room_id=ROOM_ID, rev=Rev(2), room=large, change=left))
    assert bob not in state.rooms[ROOM_ID].receipts


def test_recovery_tells_what_the_events_would_have() -> None:
    model = model_of([Change("post", "ann"), Change("post", "ann"), Change("edit", "ann")])
    step = states.catch_up(absorb(EMPTY, model.snapshot(2)), model.recovered(2))
    assert step.events == (
        MessageSent(room_id=ROOM_ID, rev=Rev(3), message=model.messages[-1][3]),
        MessageChanged(room_id=ROOM_ID, rev=Rev(4), message=model.messages[-1][2]),
    )
    assert states.catch_up(step.state, model.recovered(2)).events == ()


def test_a_snapshot_is_told_as_one() -> None:
    model = model_of([Change("post", "ann")])
    step = states.catch_up(EMPTY, model.snapshot())
    assert step.events == (RoomReplaced(room_id=ROOM_ID, rev=Rev(2)),)


def test_what_passes_is_told_and_changes_nothing() -> None:
    typing = TypingStarted(room_id=ROOM_ID, user_id=UserId("ann"), username="ann")
    assert states.advance(EMPTY, [typing]) == (EMPTY, (typing,))
