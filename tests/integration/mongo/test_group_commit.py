"""Entries that share a command share nothing else."""

import asyncio

import pytest
from pymongo.database import Database

from tests.integration.mongo.entries import entry, post
from tests.integration.mongo.faults import refusing
from tests.servers.mongod import Answer, ReplicaSet
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, random_id
from whatchat.domain.ports.message_store import Appended

TAKEN = "taken-client-id-01"


def inserts(documents: Database[Answer]) -> int:
    """How many insert commands the log has seen."""
    status = documents.client.admin.command("top")
    return int(status["totals"][f"{documents.name}.log"]["insert"]["count"])


async def test_each_has_its_own_outcome(store: MongoStore, documents: Database[Answer]) -> None:
    rooms = [RoomId(random_id()) for _ in range(60)]
    for room_id in rooms[:20]:
        await store.messages.append([entry(room_id, 1, post())])
    for room_id in rooms[20:40]:
        await store.messages.append([entry(room_id, 1, post(), client_id=TAKEN)])
    before = inserts(documents)

    new = [
        *(entry(room_id, 1, post()) for room_id in rooms[:20]),
        *(entry(room_id, 2, post(), client_id=TAKEN) for room_id in rooms[20:40]),
        *(entry(room_id, 1, post()) for room_id in rooms[40:]),
    ]
    appended = await asyncio.gather(*(store.messages.append([one]) for one in new))

    taken = Appended(count=0, clash="rev")
    used = Appended(count=0, clash="client_id")
    assert appended == [taken] * 20 + [used] * 20 + [Appended(count=1)] * 20
    assert documents.log.count_documents({"room_id": {"$in": rooms}}) == 60
    assert inserts(documents) - before < 10


async def test_what_is_refused_is_refused_to_all(
    store: MongoStore, mongo: ReplicaSet, documents: Database[Answer]
) -> None:
    with refusing(mongo, "insert", "log"):
        results = await asyncio.gather(
            *(store.messages.append([entry(RoomId(random_id()), 1, post())]) for _ in range(9)),
            return_exceptions=True,
        )
    assert [type(one) for one in results] == [Unavailable] * 9
    assert documents.log.count_documents({}) == 0


async def test_one_who_gives_up_takes_nobody_along(
    store: MongoStore, documents: Database[Answer]
) -> None:
    rooms = [RoomId(random_id()) for _ in range(9)]
    calls = [
        asyncio.create_task(store.messages.append([entry(room_id, 1, post())])) for room_id in rooms
    ]
    await asyncio.sleep(0)
    calls[0].cancel()  # its entry is on its way
    calls[5].cancel()  # its entry waits for others that are
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [one for one in results if isinstance(one, Appended)] == [Appended(count=1)] * 7
    await store.close()
    assert {one["room_id"] for one in documents.log.find()} == {*rooms} - {rooms[5]}


async def test_closing_waits_for_what_is_under_way(
    store: MongoStore, documents: Database[Answer]
) -> None:
    calls = [
        asyncio.create_task(store.messages.append([entry(RoomId(random_id()), 1, post())]))
        for _ in range(20)
    ]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*calls) == [Appended(count=1)] * 20
    assert documents.log.count_documents({}) == 20
    with pytest.raises(Unavailable):
        await store.ping()
