"""What every store of the audit log guarantees. Chains here are made up: stores verify nothing."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from pymongo import MongoClient

from tests.servers.mongod import Answer
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ports.audit_store import AuditStore, KeptHead, Pending, Sealed
from whatchat.domain.ports.store import Store

EVERYTHING = 10_000


def waiting(*names: str) -> list[Pending]:
    return [Pending(record_id=name, body=f"body of {name}".encode()) for name in names]


def sealed(first: int, *names: str) -> list[Sealed]:
    return [
        Sealed(
            seq=seq,
            record_id=name,
            previous=b"digest %d" % (seq - 1),
            body=f"body of {name}".encode(),
            digest=b"digest %d" % seq,
        )
        for seq, name in enumerate(names, first)
    ]


def head(seq: int, signed: bytes) -> KeptHead:
    return KeptHead(seq=seq, head=signed)


async def names_of_pending(store: Store) -> list[str]:
    return [one.record_id for one in await store.audit.pending(limit=EVERYTHING)]


async def chain(store: Store) -> list[Sealed]:
    return await store.audit.read(after=0, limit=EVERYTHING)


async def seal_anew(audit: AuditStore) -> None:
    """What a sealer does, until nothing waits."""
    while found := await audit.pending(limit=3):
        last = await audit.last()
        await audit.seal(sealed(last.seq + 1 if last else 1, *(one.record_id for one in found)))


async def test_what_is_added_waits_in_that_order(store: Store) -> None:
    await store.audit.add([])
    assert await store.audit.pending(limit=10) == []
    await store.audit.add(waiting("d", "b"))
    await store.audit.add(waiting("c", "a"))
    assert await store.audit.pending(limit=10) == waiting("d", "b", "c", "a")
    assert await store.audit.pending(limit=3) == waiting("d", "b", "c")
    assert await store.audit.last() is None
    assert await chain(store) == []


async def test_what_is_known_is_passed_over(store: Store) -> None:
    await store.audit.add(waiting("a", "b"))
    await store.audit.add(waiting("b", "c", "a"))
    assert await names_of_pending(store) == ["a", "b", "c"]


async def test_what_is_sealed_waits_no_longer(store: Store) -> None:
    await store.audit.add(waiting("a", "b", "c"))
    assert await store.audit.seal([])
    assert await store.audit.seal(sealed(1, "a", "b"))
    assert await names_of_pending(store) == ["c"]
    assert await chain(store) == sealed(1, "a", "b")
    assert await store.audit.seal(sealed(3, "c"))
    assert await store.audit.last() == sealed(3, "c")[0]
    assert await names_of_pending(store) == []


async def test_the_chain_is_read_in_pages(store: Store) -> None:
    names = [f"record-{number}" for number in range(25)]
    assert await store.audit.seal(sealed(1, *names))
    pages, after = list[Sequence[Sealed]](), 0
    while page := await store.audit.read(after=after, limit=7):
        pages.append(page)
        after = page[-1].seq
    assert [len(page) for page in pages] == [7, 7, 7, 4]
    assert [one for page in pages for one in page] == sealed(1, *names)


async def test_a_place_is_taken_once(store: Store) -> None:
    await store.audit.add(waiting("a", "b", "c"))
    assert await store.audit.seal(sealed(1, "a", "b"))
    assert not await store.audit.seal(sealed(1, "c"))
    assert not await store.audit.seal(sealed(2, "c"))
    assert await chain(store) == sealed(1, "a", "b")
    assert await names_of_pending(store) == ["c"]


async def test_a_record_is_sealed_once(store: Store) -> None:
    await store.audit.add(waiting("a", "b"))
    assert await store.audit.seal(sealed(1, "a"))
    assert not await store.audit.seal(sealed(2, "a", "b"))
    assert await chain(store) == sealed(1, "a")
    assert not await store.audit.seal(sealed(2, "b", "a"))
    await seal_anew(store.audit)
    assert [one.record_id for one in await chain(store)] == ["a", "b"]
    assert await names_of_pending(store) == []


async def test_what_is_added_again_once_it_is_sealed_is_not_sealed_again(store: Store) -> None:
    await store.audit.add(waiting("a", "b"))
    await seal_anew(store.audit)
    await store.audit.add(waiting("a", "b", "c"))
    await seal_anew(store.audit)
    assert [one.record_id for one in await chain(store)] == ["a", "b", "c"]
    assert await names_of_pending(store) == []


async def test_sealers_at_once_make_one_chain(store: Store) -> None:
    names = [f"record-{number:02}" for number in range(40)]
    await asyncio.gather(*(store.audit.add(waiting(name)) for name in names))
    await asyncio.gather(*(seal_anew(store.audit) for _ in range(4)))
    found = await chain(store)
    assert [one.seq for one in found] == list(range(1, 41))
    assert sorted(one.record_id for one in found) == names
    assert await names_of_pending(store) == []


async def test_the_first_head_of_a_place_stays(store: Store) -> None:
    assert await store.audit.heads(after=0, limit=10) == []
    await store.audit.sign(head(12, b"the twelfth"))
    await store.audit.sign(head(9, b"the ninth"))
    await store.audit.sign(head(12, b"another"))
    await store.audit.sign(head(31, b"the last"))
    assert await store.audit.heads(after=0, limit=2) == [
        head(9, b"the ninth"),
        head(12, b"the twelfth"),
    ]
    assert await store.audit.heads(after=9, limit=10) == [
        head(12, b"the twelfth"),
        head(31, b"the last"),
    ]


async def test_what_lasts_is_there_in_the_next_process(tmp_path: Path, mongo_url: str) -> None:
    for again in (
        lambda: SqliteStore(str(tmp_path / "store.db")),
        lambda: MongoStore(mongo_url),
    ):
        for turn in range(2):
            store: Store = again()
            await store.open()
            await store.migrate()
            if turn == 0:
                await store.audit.add(waiting("a", "b"))
                await store.audit.seal(sealed(1, "a"))
                await store.audit.sign(head(1, b"a head"))
            assert await chain(store) == sealed(1, "a")
            assert await names_of_pending(store) == ["b"]
            assert await store.audit.heads(after=0, limit=10) == [head(1, b"a head")]
            await store.close()


async def test_holes_and_rubbish_are_read_as_they_are(mongo_url: str) -> None:
    store = MongoStore(mongo_url)
    await store.open()
    await store.migrate()
    assert await store.audit.seal(sealed(1, "a", "b", "c", "d"))
    with MongoClient[Answer](mongo_url) as client:
        documents = client.get_default_database().audit_chain
        documents.delete_one({"seq": 2})
        documents.update_one({"seq": 3}, {"$set": {"body": 7}, "$unset": {"digest": 1}})
        documents.insert_one({"seq": -4, "record_id": 5})
    first, third, fourth = await chain(store)
    assert [first, fourth] == [sealed(1, "a")[0], sealed(4, "d")[0]]
    assert (third.seq, third.body, third.digest) == (3, b"", b"")
    before = (await store.audit.read(after=-10, limit=1))[0]
    assert (before.seq, before.record_id, before.previous) == (-4, "", b"")
    await store.close()


@pytest.mark.parametrize("table", ["audit_chain", "audit_heads"])
async def test_sqlite_refuses_to_change_what_is_sealed(tmp_path: Path, table: str) -> None:
    store = SqliteStore(str(tmp_path / "store.db"))
    await store.open()
    await store.migrate()
    await store.audit.seal(sealed(1, "a"))
    await store.audit.sign(head(1, b"a head"))
    await store.close()
    connection = sqlite3.connect(tmp_path / "store.db")
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET seq = 3"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()
