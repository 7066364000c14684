"""What it costs to find out that nothing is pending, which every read of a room does."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pymongo.database import Database

from tests.integration.mongo.entries import ADA, created, entry
from tests.integration.mongo.profiles import profiled
from tests.servers.mongod import Answer
from whatchat.adapters.mongo.indexes import LOG_PROJECTION
from whatchat.adapters.mongo.log_documents import DONE, KINDS, Pending
from whatchat.adapters.mongo.log_queries import pending_in
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import RoomId, random_id
from whatchat.domain.log import AnyChange, RoomUpdated

CHANGES = 150
A_HANDFUL = 5


@pytest.fixture
async def rooms(store: MongoStore) -> list[RoomId]:
    """Rooms with many changes, all projected."""
    rooms = [RoomId(random_id()) for _ in range(3)]
    for room_id in rooms:
        changes = [RoomUpdated(name=f"Name {number}") for number in range(CHANGES)]
        log: list[AnyChange] = [created(ADA), *changes]
        await store.messages.append([entry(room_id, n, one) for n, one in enumerate(log, 1)])
    return rooms


async def test_what_is_projected_keeps_its_place_in_the_index(
    documents: Database[Answer], rooms: Sequence[RoomId]
) -> None:
    assert documents.log.count_documents({"projection": DONE}) == len(rooms) * (CHANGES + 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_pending_in_a_room_is_found_at_a_glance(
    store: MongoStore, documents: Database[Answer], rooms: Sequence[RoomId], kind: Pending
) -> None:
    with profiled(documents) as questions:
        await store._projection.finish(kind, rooms[:1])
    (question,) = questions
    assert index_of(question) == "{ room_id: 1, projection: 1, rev: 1 }"
    assert question["keysExamined"] <= A_HANDFUL
    assert question["docsExamined"] == 0


async def test_the_same_beside_what_is_read_of_a_room(
    store: MongoStore, documents: Database[Answer], rooms: Sequence[RoomId]
) -> None:
    with profiled(documents) as questions:
        await store.rooms.members(rooms[0], after=None, limit=9)
    (question,) = questions
    assert index_of(question) == "{ room_id: 1, projection: 1, rev: 1 }"
    assert question["keysExamined"] <= A_HANDFUL


@pytest.mark.parametrize("kind", KINDS)
async def test_the_same_where_the_server_chooses_the_index(
    documents: Database[Answer], rooms: Sequence[RoomId], kind: Pending
) -> None:
    stages = pending_in(kind, rooms[:2])
    plan = documents.command(
        "explain",
        {"aggregate": "log", "pipeline": stages, "cursor": {}},
        verbosity="executionStats",
    )
    examined = plan["stages"][0]["$cursor"] if "stages" in plan else plan
    assert LOG_PROJECTION in set(named(examined["queryPlanner"]["winningPlan"]))
    assert examined["executionStats"]["totalKeysExamined"] <= 2 * A_HANDFUL


def index_of(question: Answer) -> str:
    """The keys of the one index that was looked into first."""
    return str(question["planSummary"]).partition(" ")[2]


def named(plan: Any) -> Iterator[str]:
    """The indexes that a plan uses."""
    if isinstance(plan, dict):
        if "indexName" in plan:
            yield plan["indexName"]
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from named(part)
