"""Stores on one database."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.integration.mongo.entries import ADA, BOB, created, entry
from tests.servers.mongod import Answer
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import RoomId, random_id


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[MongoStore]:
    """An opened, migrated store, empty."""
    store = MongoStore(mongo_url)
    await store.open()
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
async def other(store: MongoStore, mongo_url: str) -> AsyncIterator[MongoStore]:
    """The same store as another pod has it open."""
    other = MongoStore(mongo_url)
    await other.open()
    yield other
    await other.close()


@pytest.fixture
def documents(mongo_url: str) -> Iterator[Database[Answer]]:
    """What lies in the database."""
    with MongoClient[Answer](mongo_url, tz_aware=True) as client:
        yield client.get_default_database()


@pytest.fixture
async def room_id(store: MongoStore) -> RoomId:
    """A room of two people, at rev 1."""
    room_id = RoomId(random_id())
    await store.messages.append([entry(room_id, 1, created(ADA, BOB))])
    return room_id
