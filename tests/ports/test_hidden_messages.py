"""What every store makes of changes that are hidden from some of a room's people."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    MessagePosted,
    ReactionChanged,
    RoomCreated,
)
from whatchat.domain.message_state import (
    MessageState,
    is_counted,
    latest_seen,
    posted,
    project,
    seen_by,
)
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.message_store import ChangedSpan
from whatchat.domain.ports.room_store import RoomPosition
from whatchat.domain.ports.store import Store

ADA, BOB = UserId("ada"), UserId("bob")
PEOPLE = (ADA, BOB)
START = datetime(2026, 1, 31, 12, tzinfo=UTC)
NEVER = datetime(2526, 1, 31, 12, tzinfo=UTC)


class Step(NamedTuple):
    """What somebody does; ``target`` picks among the messages that are there by then."""

    kind: str
    actor: UserId
    target: int
    text: str
    hidden: bool


STEPS = st.builds(
    Step,
    kind=st.sampled_from(
        ["post", "post", "system", "edit", "react", "unreact", "delete", "expire"]
    ),
    actor=st.sampled_from(PEOPLE),
    target=st.integers(min_value=0, max_value=3),
    text=st.sampled_from(["a", "$b", ""]),
    hidden=st.booleans(),
)
LIMITS = st.sampled_from([1, 2, 3, 100])


def a_log(room_id: RoomId, steps: Sequence[Step]) -> list[Entry]:
    """A direct room in which all of it happened."""
    created = RoomCreated(
        room_kind="direct", name="", description="", settings=RoomSettings(), members=PEOPLE
    )
    log = [_entry(room_id, 1, ADA, created)]
    messages: list[Seq] = []
    for step in steps:
        rev = len(log) + 1
        if step.kind in ("post", "system") or not messages:
            messages.append(Seq(rev))
        log.append(_entry(room_id, rev, step.actor, _change(step, messages)))
    return log


def _change(step: Step, messages: Sequence[Seq]) -> AnyChange:
    seq = messages[step.target % len(messages)]
    match step.kind:
        case "edit" if len(messages) > 1:
            return MessageEdited(seq=seq, content=step.text, hidden=step.hidden)
        case "react" | "unreact" if len(messages) > 1:
            present = step.kind == "react"
            return ReactionChanged(seq=seq, emoji="👍", present=present, hidden=step.hidden)
        case "delete" if len(messages) > 1:
            return MessageDeleted(seq=seq)
        case "expire" if len(messages) > 1:
            return MessageExpired(seq=seq)
        case "system":
            return MessagePosted(message_type="system", content="")
        case _:
            expires_at = NEVER if step.text else None
            return MessagePosted(
                message_type="text", content=step.text, hidden=step.hidden, expires_at=expires_at
            )


def _entry(room_id: RoomId, rev: int, actor: UserId, change: AnyChange) -> Entry:
    return Entry(
        room_id=room_id,
        rev=Rev(rev),
        actor_id=actor,
        client_id=ClientId(random_id()),
        digest=b"digest",
        at=START + timedelta(seconds=rev),
        pod="pod",
        change=change,
    )


def projected(log: Sequence[Entry]) -> dict[Seq, MessageState]:
    """Every message as ``project`` makes it."""
    states: dict[Seq, MessageState] = {}
    for one in log[1:]:
        if isinstance(one.change, MessagePosted):
            states[Seq(one.rev)] = posted(one, one.change)
        else:
            seq: Seq = one.change.seq  # type: ignore[union-attr] # a log of messages alone
            states[seq] = project(states[seq], one)
    return states


async def appended(store: Store, log: Sequence[Entry], sizes: Sequence[int]) -> None:
    """Append in batches of these sizes, over and over."""
    rest, turn = list(log), 0
    while rest:
        size = sizes[turn % len(sizes)]
        assert (await store.messages.append(rest[:size])).clash is None
        rest, turn = rest[size:], turn + 1


anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@anything
@given(st.lists(STEPS, max_size=14), st.lists(st.integers(1, 5), min_size=1, max_size=3))
async def test_messages_are_what_the_projection_makes_of_them(
    store: Store, steps: list[Step], sizes: list[int]
) -> None:
    log = a_log(RoomId(random_id()), steps)
    await appended(store, log, sizes)
    expected = projected(log)
    found = await store.messages.messages([(log[0].room_id, seq) for seq in expected])
    assert {seq: state for (_, seq), state in found.items()} == expected


@anything
@given(st.lists(STEPS, max_size=14), st.sampled_from(PEOPLE), LIMITS, st.integers(0, 15))
async def test_history_leaves_out_what_is_hidden_before_it_counts(
    store: Store, steps: list[Step], viewer: UserId, limit: int, bound: int
) -> None:
    log = a_log(RoomId(random_id()), steps)
    await appended(store, log, [20])
    visible = [one for one in projected(log).values() if seen_by(one, viewer)]

    async def history(before: int | None, after: int | None) -> list[MessageState]:
        return await store.messages.history(
            log[0].room_id,
            viewer_id=viewer,
            first=Seq(0),
            before=None if before is None else Seq(before),
            after=None if after is None else Seq(after),
            limit=limit,
        )

    assert await history(None, None) == visible[-limit:]
    assert await history(bound, None) == [one for one in visible if one.seq < bound][-limit:]
    assert await history(None, bound) == [one for one in visible if one.seq > bound][:limit]


@anything
@given(
    st.lists(STEPS, max_size=14),
    st.sampled_from(PEOPLE),
    LIMITS,
    st.integers(0, 15),
    st.integers(0, 15),
)
async def test_changed_goes_by_what_the_viewer_sees(
    store: Store, steps: list[Step], viewer: UserId, limit: int, after: int, upto: int
) -> None:
    log = a_log(RoomId(random_id()), steps)
    await appended(store, log, [20])
    expected = [
        one
        for one in projected(log).values()
        if seen_by(one, viewer) and after < latest_seen(one, viewer) <= upto and one.seq > 2
    ]
    span = ChangedSpan(first=Seq(3), after=Rev(after), upto=Rev(upto))
    spans = {log[0].room_id: span, RoomId(random_id()): span}
    found, nothing = (await store.messages.changed(viewer, spans, limit=limit)).values()
    assert nothing == []
    assert found == sorted(expected, key=lambda one: latest_seen(one, viewer))[:limit]


@anything
@given(st.lists(STEPS, max_size=14), st.sampled_from(PEOPLE), LIMITS, st.integers(0, 15))
async def test_unread_counts_what_is_for_the_viewer_and_by_a_person(
    store: Store, steps: list[Step], viewer: UserId, limit: int, after: int
) -> None:
    log = a_log(RoomId(random_id()), steps)
    await appended(store, log, [20])
    counted = [
        one
        for one in log
        if isinstance(one.change, MessagePosted) and is_counted(one.change)
        if one.actor_id != viewer and one.rev > after
    ]
    room_id, idle = log[0].room_id, RoomId(random_id())
    spans = {room_id: (Seq(after), log[-1].rev), idle: (Seq(0), Rev(9))}
    found = await store.messages.unread(viewer, spans, limit=limit)
    assert found == {room_id: min(len(counted), limit), idle: 0}


@anything
@given(st.lists(STEPS, max_size=14), st.lists(st.integers(1, 5), min_size=1, max_size=3))
async def test_a_member_knows_of_the_latest_activity_that_it_sees(
    store: Store, steps: list[Step], sizes: list[int]
) -> None:
    log = a_log(RoomId(random_id()), steps)
    await appended(store, log, sizes)
    states = projected(log).values()
    for viewer in PEOPLE:
        membership = await store.rooms.membership(log[0].room_id, viewer)
        assert membership
        visible = [(one.created_at, one.seq) for one in states if seen_by(one, viewer)]
        expected = max(visible, default=(log[0].at, 0))
        record = membership.record
        assert (record.last_activity, record.last_message_seq) == expected
        assert record.rev == len(log)


async def test_rooms_are_sorted_by_what_each_member_sees(store: Store) -> None:
    me, blocked, friend = (UserId(random_id()) for _ in range(3))
    rooms = [RoomId(random_id()) for _ in range(2)]
    words = MessagePosted(message_type="text", content="words")
    for number, (room_id, other) in enumerate(zip(rooms, (blocked, friend), strict=True)):
        created = RoomCreated(
            room_kind="direct",
            name="",
            description="",
            settings=RoomSettings(),
            members=(me, other),
        )
        both = [_entry(room_id, 1, me, created), _entry(room_id, 2, other, words)]
        at = START + timedelta(minutes=number)
        await store.messages.append([replace(one, at=at) for one in both])
    unheard = _entry(rooms[0], 3, blocked, replace(words, hidden=True))
    await store.messages.append([replace(unheard, at=START + timedelta(hours=1))])

    everything = await store.rooms.memberships(me)
    assert [one.record.room_id for one in everything] == rooms[::-1]
    assert [one.record.last_activity for one in everything] == [
        START + timedelta(minutes=1),
        START,
    ]
    (first,) = await store.rooms.memberships_page(me, before=None, limit=1)
    position = RoomPosition(last_activity=first.record.last_activity, room_id=first.record.room_id)
    (second,) = await store.rooms.memberships_page(me, before=position, limit=9)
    assert [first, second] == everything
    (theirs,) = await store.rooms.memberships(blocked)
    assert (theirs.record.last_activity, theirs.record.last_message_seq) == (
        START + timedelta(hours=1),
        3,
    )


async def test_an_erasure_takes_what_hidden_edits_said_and_what_they_veiled(store: Store) -> None:
    room_id = RoomId(random_id())
    post = Step("post", ADA, 0, "first words", hidden=False)
    edit = Step("edit", ADA, 0, "hidden words", hidden=True)
    log = a_log(room_id, [post, post, edit, Step("delete", ADA, 0, "", hidden=False)])
    await appended(store, log[:4], [4])
    assert "first words" in repr(await store.messages.messages([(room_id, Seq(2))]))
    await appended(store, log[4:], [1])
    found = await store.messages.messages([(room_id, Seq(2))])
    assert "words" not in repr(found)
    entries = await store.messages.entries(room_id, after=Rev(1), limit=9)
    assert "words" not in repr(entries)
    assert [one.digest for one in entries] == [b"", b"digest", b"", b""]


async def test_hidden_entries_come_back_as_hidden(store: Store) -> None:
    hidden = [Step(kind, ADA, 0, "text", hidden=True) for kind in ("post", "post", "edit", "react")]
    log = a_log(RoomId(random_id()), hidden)
    await appended(store, log, [9])
    found = await store.messages.entries(log[0].room_id, after=Rev(1), limit=9)
    assert [getattr(one.change, "hidden", None) for one in found] == [True] * 4
