"""Projections are harmless late, repeated and in any order."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

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
from whatchat.domain.message_state import (
    MessageState,
    as_known_outside,
    latest_seen,
    posted,
    project,
    seen_by,
)

SEQ = Seq(1)
START = datetime(2026, 1, 31, tzinfo=UTC)


def entry(rev: int, change: AnyChange, actor: str = "ada") -> Entry:
    return Entry(
        room_id=RoomId("room"),
        rev=Rev(rev),
        actor_id=UserId(actor),
        client_id=ClientId(f"client-id-{rev:08}"),
        digest=b"",
        at=START + timedelta(seconds=rev),
        pod="pod",
        change=change,
    )


def first(*, hidden: bool = False) -> MessageState:
    change = MessagePosted(message_type="text", content="first", hidden=hidden)
    return posted(entry(1, change), change)


CHANGES: st.SearchStrategy[AnyChange] = st.one_of(
    st.builds(
        MessageEdited,
        seq=st.just(SEQ),
        content=st.sampled_from(["a", "b", "c"]),
        hidden=st.booleans(),
    ),
    st.builds(
        ReactionChanged,
        seq=st.just(SEQ),
        emoji=st.sampled_from(["👍", "🎉"]),
        present=st.booleans(),
        hidden=st.booleans(),
    ),
    st.sampled_from([MessageDeleted(seq=SEQ), MessageExpired(seq=SEQ)]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    changes = draw(st.lists(CHANGES, max_size=8))
    actors = draw(st.lists(st.sampled_from(["ada", "bob"]), min_size=8, max_size=8))
    return [
        entry(rev, change, actor)
        for rev, (change, actor) in enumerate(zip(changes, actors, strict=False), start=2)
    ]


def projected(entries: list[Entry]) -> MessageState:
    state = first()
    for one in entries:
        state = project(state, one)
    return state


@given(histories(), st.randoms())
def test_any_order_and_any_repetition_leads_to_the_same_state(
    history: list[Entry], random: Random
) -> None:
    shuffled = history * 2
    random.shuffle(shuffled)
    assert projected(shuffled) == projected(history)


def test_the_highest_edit_wins() -> None:
    edits = [entry(rev, MessageEdited(seq=SEQ, content=f"edit {rev}")) for rev in (2, 4, 3)]
    state = projected(edits)
    assert (state.content, state.rev, state.edited_at) == ("edit 4", 4, edits[1].at)


def test_a_deletion_is_final() -> None:
    late = entry(2, MessageEdited(seq=SEQ, content="late"))
    state = projected([entry(3, MessageDeleted(seq=SEQ)), late])
    assert (state.content, state.edited_at) == ("", None)
    assert state.deleted_at == START + timedelta(seconds=3)


def test_a_withdrawn_reaction_is_not_revived_by_a_late_projection() -> None:
    on = entry(2, ReactionChanged(seq=SEQ, emoji="👍", present=True))
    off = entry(3, ReactionChanged(seq=SEQ, emoji="👍", present=False))
    assert [one.present for one in projected([off, on]).reactions] == [False]


ADA, BOB = UserId("ada"), UserId("bob")

STEPS = st.tuples(
    st.sampled_from(["edit", "react", "unreact", "delete"]),
    st.sampled_from([ADA, BOB]),
    st.sampled_from(["👍", "🎉"]),
    st.booleans(),
)


@st.composite
def direct_histories(draw: st.DrawFn) -> list[Entry]:
    """What two people may do to Ada's message while blocks between them come and go."""
    marks: dict[tuple[UserId, str], bool] = {}
    history: list[Entry] = []
    for rev, (kind, actor, emoji, hidden) in enumerate(draw(st.lists(STEPS, max_size=12)), start=2):
        change: AnyChange | None = None
        match kind, (actor, emoji) in marks:
            case "edit", _ if actor == ADA:
                change = MessageEdited(seq=SEQ, content=f"edit {rev}", hidden=hidden)
            case "react", False:
                marks[actor, emoji] = hidden
                change = ReactionChanged(seq=SEQ, emoji=emoji, present=True, hidden=hidden)
            case "unreact", True:
                was_hidden = marks.pop((actor, emoji))
                change = ReactionChanged(seq=SEQ, emoji=emoji, present=False, hidden=was_hidden)
            case "delete", _ if actor == ADA:
                change = MessageDeleted(seq=SEQ)
        if change:
            history.append(entry(rev, change, actor))
    return history


def shown(state: MessageState) -> tuple[object, ...]:
    present = [(one.emoji, one.user_id) for one in state.reactions if one.present]
    return (state.content, state.content_rev, state.edited_at, state.deleted_at, state.rev, present)


def is_seen(one: Entry, viewer: UserId) -> bool:
    return one.actor_id == viewer or not getattr(one.change, "hidden", False)


@given(direct_histories(), st.sampled_from([ADA, BOB]), st.randoms())
def test_each_sees_the_message_as_if_what_is_hidden_had_not_happened(
    history: list[Entry], viewer: UserId, random: Random
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    state = projected(shuffled)
    seen = seen_by(state, viewer)
    assert seen is not None
    expected = projected([one for one in history if is_seen(one, viewer)])
    assert shown(seen) == shown(expected)
    assert latest_seen(state, viewer) == expected.rev


@given(direct_histories())
def test_a_hidden_message_is_its_senders_alone(history: list[Entry]) -> None:
    state = first(hidden=True)
    for one in history:
        state = project(state, one)
    assert seen_by(state, BOB) is None
    assert seen_by(state, ADA) is not None


def test_a_hidden_edit_lets_others_see_what_was_there_before() -> None:
    open_edit = entry(2, MessageEdited(seq=SEQ, content="open"))
    hidden = [
        entry(rev, MessageEdited(seq=SEQ, content=f"hidden {rev}", hidden=True)) for rev in (3, 4)
    ]
    state = projected([open_edit, *hidden])
    own, others = seen_by(state, ADA), seen_by(state, BOB)
    assert own
    assert others
    assert (own.content, own.rev, own.edited_at) == ("hidden 4", 4, hidden[1].at)
    assert (others.content, others.rev, others.edited_at) == ("open", 2, open_edit.at)


def test_an_erasure_leaves_nothing_of_what_was_veiled() -> None:
    hidden = entry(2, MessageEdited(seq=SEQ, content="hidden words", hidden=True))
    reaction = entry(3, ReactionChanged(seq=SEQ, emoji="👍", present=True, hidden=True))
    state = projected([hidden, reaction, entry(4, MessageDeleted(seq=SEQ))])
    assert (state.content, state.veil, state.reactions) == ("", None, ())
    for viewer in (ADA, BOB):
        seen = seen_by(state, viewer)
        assert seen
        assert (seen.content, seen.rev) == ("", 4)


def test_outside_nothing_is_known_of_what_others_did() -> None:
    history = [
        entry(2, ReactionChanged(seq=SEQ, emoji="👍", present=True, hidden=True), "bob"),
        entry(3, ReactionChanged(seq=SEQ, emoji="🎉", present=True), "bob"),
    ]
    known = seen_by(as_known_outside(projected(history)), ADA)
    assert known
    assert (known.rev, known.reactions) == (1, ())
