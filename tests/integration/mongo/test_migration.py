"""Migrating is harmless to repeat, also at the same moment."""

import asyncio

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.servers.mongod import Answer, ReplicaSet
from whatchat.adapters.mongo.indexes import INDEXES, RETIRED
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id


async def test_many_at_once_make_one_store(mongo: ReplicaSet) -> None:
    url = mongo.url(f"test-{random_id()}")
    stores = [MongoStore(url) for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.migrate() for store in stores))
    identities = [await store.identity() for store in stores]
    assert len({one.epoch for one in identities}) == len({one.secret for one in identities}) == 1
    assert len(identities[0].secret) == 32
    with MongoClient[Answer](url) as client:
        database = client.get_default_database()
        made = {name: set(database[name].index_information()) - {"_id_"} for name in INDEXES}
        client.drop_database(database)
    assert made == {
        name: {index.document["name"] for index in indexes} for name, indexes in INDEXES.items()
    }
    await asyncio.gather(*(store.close() for store in stores))


async def test_an_index_that_is_no_longer_used_goes(
    store: MongoStore, documents: Database[Answer]
) -> None:
    for number, retired in enumerate(RETIRED["log"]):
        documents.log.create_index(f"pod.{number}", name=retired)
    await asyncio.gather(store.migrate(), store.migrate())
    assert not RETIRED["log"] & documents.log.index_information().keys()


async def test_a_store_that_was_never_migrated_says_so(mongo: ReplicaSet) -> None:
    store = MongoStore(mongo.url(f"test-{random_id()}"))
    await store.open()
    with pytest.raises(Unavailable, match="has not been migrated"):
        await store.identity()
    await store.close()


async def test_an_index_that_cannot_be_built_is_named(
    store: MongoStore, documents: Database[Answer]
) -> None:
    documents.accounts.drop_index("accounts_username")
    documents.accounts.insert_many([{"username": "ada"}, {"username": "ada"}])
    with pytest.raises(Unavailable, match=r"cannot migrate: .* DuplicateKey"):
        await store.migrate()
    documents.accounts.delete_many({})
    await store.migrate()
    assert "accounts_username" in documents.accounts.index_information()
