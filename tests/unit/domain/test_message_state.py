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
    MessagePosted,
    ReactionChanged,
)
from whatchat.domain.message_state import MessageState, posted, project

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


def first() -> MessageState:
    change = MessagePosted(message_type="text", content="first")
    return posted(entry(1, change), change)


CHANGES = st.one_of(
    st.builds(MessageEdited, seq=st.just(SEQ), content=st.sampled_from(["a", "b", "c"])),
    st.builds(
        ReactionChanged,
        seq=st.just(SEQ),
        emoji=st.sampled_from(["👍", "🎉"]),
        present=st.booleans(),
    ),
    st.just(MessageDeleted(seq=SEQ)),
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
