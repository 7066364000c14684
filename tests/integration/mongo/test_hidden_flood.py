"""What it costs a person that somebody whom it blocked writes to it without end."""

import pytest
from pymongo.database import Database

from tests.hidden_flood import HIDDEN, READS, a_room
from tests.integration.mongo.profiles import profiled
from tests.servers.mongod import Answer
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import RoomId


@pytest.fixture
async def flooded(store: MongoStore) -> RoomId:
    return await a_room(store, HIDDEN)


@pytest.mark.parametrize("name", READS)
async def test_reading_looks_at_nothing_that_is_hidden(
    store: MongoStore, documents: Database[Answer], flooded: RoomId, name: str
) -> None:
    with profiled(documents) as questions:
        await READS[name](store, flooded)
    assert questions
    assert sum(one["keysExamined"] for one in questions) < 100
    assert sum(one["docsExamined"] for one in questions) < 100


async def test_what_is_hidden_lies_in_no_index_that_others_look_into(
    documents: Database[Answer], flooded: RoomId
) -> None:
    hidden = list(documents["log"].find({"room_id": flooded, "hidden_in": {"$exists": True}}))
    assert len(hidden) == HIDDEN
    revs = {"rev", "open_rev"}
    for one in hidden:
        assert not one.keys() & {"seq", "words", "uncounted"}
        assert not one["message"].keys() & revs
