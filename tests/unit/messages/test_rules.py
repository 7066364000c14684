"""What of a message is hidden from the other person of a direct room, and what is not there."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from whatchat.domain.errors import ChatError
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import AnyChange, Entry, MessagePosted, ReactionChanged, RoomCreated
from whatchat.domain.models import RoomKind, RoomSettings
from whatchat.domain.ports.room_log import Rule
from whatchat.domain.room_state import RoomState, nonexistent
from whatchat.features.messages import rules

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")
NOBODY: frozenset[UserId] = frozenset()
BY_ADA = frozenset({ADA, EVE})
HERS, HIS = Seq(2), Seq(3)


def room(kind: RoomKind = "direct", more: Iterable[AnyChange] = ()) -> RoomState:
    """Ada and Bob's room: a message of hers, one of his, and what Bob does then."""
    created = RoomCreated(
        room_kind=kind, name="", description="", settings=RoomSettings(), members=(ADA, BOB)
    )
    words = MessagePosted(message_type="text", content="words")
    state = nonexistent(RoomId("room"))
    said: list[tuple[UserId, AnyChange]] = [(ADA, created), (ADA, words), (BOB, words)]
    for actor, change in (*said, *((BOB, one) for one in more)):
        state = state.apply(entry(state, actor, change))
    return state


def entry(state: RoomState, actor: UserId, change: AnyChange) -> Entry:
    rev = Rev(state.rev + 1)
    return Entry(
        room_id=RoomId("room"),
        rev=rev,
        actor_id=actor,
        client_id=ClientId(f"client-id-{rev:08}"),
        digest=b"",
        at=datetime(2026, 1, 31, tzinfo=UTC),
        pod="pod",
        change=change,
    )


def posting(blocked_by: frozenset[UserId], reply_to: Seq | None = None) -> Rule:
    return rules.posting(BOB, "new", "text", reply_to, blocked_by)


def reacting(blocked_by: frozenset[UserId], seq: Seq = HERS, *, present: bool = True) -> Rule:
    return rules.reacting(BOB, seq, "👍", blocked_by, present=present)


def hidden(rule: Rule, state: RoomState) -> object:
    return getattr(rule(state), "hidden", None)


@pytest.mark.parametrize(
    ("kind", "blocked_by", "expected"),
    [
        ("direct", BY_ADA, True),
        ("direct", frozenset({EVE}), False),
        ("direct", NOBODY, False),
        ("group", BY_ADA, False),
    ],
)
def test_changes_are_hidden_in_a_direct_room_with_whoever_blocks(
    kind: RoomKind, blocked_by: frozenset[UserId], *, expected: bool
) -> None:
    state = room(kind)
    assert hidden(posting(blocked_by), state) is expected
    assert hidden(posting(blocked_by, HERS), state) is expected
    assert hidden(rules.editing(BOB, HIS, "better", blocked_by), state) is expected
    assert hidden(reacting(blocked_by), state) is expected


def test_whatever_is_done_to_a_hidden_message_is_hidden_with_it() -> None:
    reacted = ReactionChanged(seq=Seq(4), emoji="🎉", present=True, hidden=True)
    state = room(more=[MessagePosted(message_type="text", content="unheard", hidden=True), reacted])
    assert hidden(posting(NOBODY, Seq(4)), state) is True
    assert hidden(rules.editing(BOB, Seq(4), "better", NOBODY), state) is True
    assert hidden(reacting(NOBODY, Seq(4)), state) is True
    assert hidden(rules.reacting(BOB, Seq(4), "🎉", NOBODY, present=False), state) is True


@pytest.mark.parametrize("was_hidden", [True, False])
@pytest.mark.parametrize("blocked_by", [NOBODY, BY_ADA])
def test_taking_a_reaction_back_is_hidden_as_the_reaction_was(
    blocked_by: frozenset[UserId], *, was_hidden: bool
) -> None:
    reacted = ReactionChanged(seq=HERS, emoji="👍", present=True, hidden=was_hidden)
    state = room(more=[reacted])
    assert hidden(reacting(blocked_by, present=False), state) is was_hidden


def test_a_hidden_message_does_not_exist_for_others() -> None:
    state = room(more=[MessagePosted(message_type="text", content="unheard", hidden=True)])
    unknown = replace(state, messages={})
    for rule in (
        rules.posting(ADA, "what?", "text", Seq(4), NOBODY),
        rules.editing(ADA, Seq(4), "mine", NOBODY),
        rules.deleting(ADA, Seq(4)),
        rules.reacting(ADA, Seq(4), "👍", NOBODY, present=True),
        rules.reacting(ADA, Seq(4), "👍", NOBODY, present=False),
    ):
        assert refusal(rule, state) == refusal(rule, unknown)


def refusal(rule: Rule, state: RoomState) -> tuple[str, str, object]:
    with pytest.raises(ChatError) as refused:
        rule(state)
    return refused.value.code, refused.value.text, refused.value.field
