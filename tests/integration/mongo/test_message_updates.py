"""The server's updates and the domain's ``project`` make the same of a message, in any order."""

import random

import pytest

from tests.integration.mongo.entries import ADA, BOB, EVE, entry, post
from whatchat.adapters.mongo.log_documents import entry_document, state_of
from whatchat.adapters.mongo.message_updates import updates_for
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import RoomId, Seq, random_id
from whatchat.domain.log import (
    Entry,
    MessageChange,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionChanged,
)
from whatchat.domain.message_state import MessageState, posted, project
from whatchat.domain.words import words_of


def some_change(chance: random.Random, *, deletions: bool) -> MessageChange:
    what = chance.random()
    if what < 0.3:
        content = chance.choice(["$content", "", "{}", "new", "newer"])
        return MessageEdited(seq=Seq(2), content=content, hidden=chance.random() < 0.4)
    if what < 0.35 and deletions:
        return MessageDeleted(seq=Seq(2))
    return ReactionChanged(
        seq=Seq(2),
        emoji=chance.choice(["👍", "$", "."]),
        present=chance.random() < 0.7,
        hidden=chance.random() < 0.4,
    )


@pytest.mark.parametrize("seed", range(24))
async def test_late_and_repeated_updates_change_nothing(store: MongoStore, seed: int) -> None:
    chance = random.Random(seed)
    room_id = RoomId(random_id())
    first = entry(room_id, 2, post("hello"))
    changes = [
        entry(
            room_id,
            rev,
            some_change(chance, deletions=seed % 2 == 0),
            actor=chance.choice([ADA, BOB, EVE]),
        )
        for rev in range(3, 15)
    ]
    shuffled = [*changes, *chance.sample(changes, 4)]
    chance.shuffle(shuffled)

    log = store._database.majority.log
    await log.insert_one(entry_document(first))
    await log.bulk_write([update for one in shuffled for update in updates_for(one)])

    found = await log.find_one({"room_id": room_id})
    assert found is not None
    state = state_of(found)
    assert state == in_order(first, changes)
    words = set(found.get("words", ()))
    if state.veil is None:
        assert words == set(words_of(state.content))
    else:
        assert words >= {*words_of(state.content), *words_of(state.veil.content)}


def in_order(first: Entry, changes: list[Entry]) -> MessageState:
    assert isinstance(first.change, MessagePosted)
    state = posted(first, first.change)
    for change in changes:
        state = project(state, change)
    return state
