"""What it costs that some of a room's messages are not for everybody."""

from collections.abc import Sequence

import pytest
from pymongo.database import Database

from tests.integration.mongo.entries import ADA, BOB, created, entry, post
from tests.integration.mongo.profiles import profiled
from tests.servers.mongod import Answer
from whatchat.adapters.mongo.log_queries import (
    changed_hidden,
    newest_hidden,
    partly_hidden,
    with_hidden,
)
from whatchat.adapters.mongo.log_queries import uncounted as uncounted_in
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import Rev, RoomId, Seq, random_id
from whatchat.domain.log import AnyChange, MessageEdited, MessagePosted
from whatchat.domain.ports.message_store import ChangedSpan

MANY = 150
HEAD = Rev(MANY + 5)
A_HANDFUL = 12


@pytest.fixture
async def plain(store: MongoStore) -> RoomId:
    """A room in which nothing is hidden."""
    return await a_room(store, [])


@pytest.fixture
async def room_id(store: MongoStore) -> RoomId:
    """A room with many messages, of which two do not count and one has a hidden edit."""
    note = MessagePosted(message_type="system", content="")
    hidden = MessagePosted(message_type="text", content="unheard", hidden=True)
    return await a_room(store, [note, hidden, MessageEdited(seq=Seq(9), content="x", hidden=True)])


async def a_room(store: MongoStore, more: Sequence[AnyChange]) -> RoomId:
    room_id = RoomId(random_id())
    log: list[AnyChange] = [created(ADA, BOB), *[post(f"words {n}") for n in range(MANY)], *more]
    await store.messages.append([entry(room_id, n, one) for n, one in enumerate(log, 1)])
    return room_id


async def test_unread_is_counted_in_indexes_alone(
    store: MongoStore, documents: Database[Answer], plain: RoomId, room_id: RoomId
) -> None:
    spans = {one: (Seq(MANY - 10), HEAD) for one in (plain, room_id)}
    with profiled(documents) as questions:
        assert await store.messages.unread(BOB, spans, limit=100) == {plain: 11, room_id: 11}
    assert len(questions) == 2
    assert [one["docsExamined"] for one in questions] == [0, 0]
    assert questions[1]["keysExamined"] <= A_HANDFUL


async def test_unread_reaches_its_limit_past_what_does_not_count(
    store: MongoStore, documents: Database[Answer], room_id: RoomId
) -> None:
    span = {room_id: (Seq(1), HEAD)}
    with profiled(documents) as questions:
        assert await store.messages.unread(BOB, span, limit=MANY) == {room_id: MANY}
        assert await store.messages.unread(BOB, span, limit=20) == {room_id: 20}
    assert {one["docsExamined"] for one in questions} == {0}


@pytest.mark.parametrize("is_plain", [True, False])
async def test_what_is_hidden_is_found_at_a_glance(
    documents: Database[Answer], plain: RoomId, room_id: RoomId, *, is_plain: bool
) -> None:
    room = plain if is_plain else room_id
    span = ChangedSpan(first=Seq(1), after=Rev(0), upto=HEAD)
    for stages in (
        uncounted_in(BOB, room, Seq(0), HEAD),
        newest_hidden([(room, ADA), (room, BOB)]),
        with_hidden(ADA, [room]),
        partly_hidden(BOB, room, span, 9),
        changed_hidden(ADA, room, span, 9),
    ):
        plan = documents.command(
            "explain",
            {"aggregate": "log", "pipeline": stages, "cursor": {}},
            verbosity="executionStats",
        )
        examined = plan["stages"][0]["$cursor"] if "stages" in plan else plan
        assert examined["executionStats"]["totalKeysExamined"] <= A_HANDFUL, stages
        assert examined["executionStats"]["totalDocsExamined"] <= 1
