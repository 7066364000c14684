"""``whatchat worker`` killed in the middle of sealing, while pods keep recording."""

import asyncio
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.integration.audit.conftest import SECRET, Made
from tests.integration.audit.in_process import whatchat
from tests.integration.audit.recording import (
    all_sealed,
    assert_each_once,
    recording,
    told,
    verified,
)
from tests.integration.mongo.faults import refusing
from tests.servers.mongod import Answer, ReplicaSet
from tests.servers.worker_process import WorkerProcess
from tests.waiting import until
from whatchat.adapters.mongo.store import MongoStore
from whatchat.audit.heads import read_head
from whatchat.audit.sealing import LEASE_SECONDS, NAME

TAKEN_OVER_SECONDS = LEASE_SECONDS + 10.0
PATIENCE_SECONDS = 30.0
BACKLOG = 2_000
LONGEST_LIFE_SECONDS = 0.5


async def start(*workers: WorkerProcess) -> None:
    await asyncio.gather(*(asyncio.to_thread(one.start) for one in workers))


def holder(documents: Database[Answer]) -> str:
    """Which worker seals."""
    found: Answer | None = documents.leases.find_one({"_id": NAME})
    return str(found["holder"]) if found else ""


def name_of(worker: WorkerProcess) -> str:
    """What a worker is called, since it was last started."""
    lines = [json.loads(line) for line in worker.log_lines()]
    return str([line for line in lines if line["event"] == "working"][-1]["worker"])


async def sealer(
    documents: Database[Answer], workers: Sequence[WorkerProcess]
) -> tuple[WorkerProcess, ...]:
    """The worker that seals, and the others after it."""
    names = {name_of(one): one for one in workers}
    await until(lambda: holder(documents) in names, seconds=PATIENCE_SECONDS)
    first = names[holder(documents)]
    return first, *(one for one in workers if one is not first)


@pytest.fixture
def documents(mongo_url: str) -> Iterator[Database[Answer]]:
    """What lies in the database."""
    with MongoClient[Answer](mongo_url, tz_aware=True) as client:
        database = client.get_default_database()
        yield database
        database.audit_chain.delete_many({})  # it may be long


def is_half_done(documents: Database[Answer]) -> bool:
    """Whether something is in the chain and waits for it as well."""
    waiting = [one["record_id"] for one in documents.audit_pending.find()]
    return documents.audit_chain.count_documents({"record_id": {"$in": waiting}}) > 0


async def grown(documents: Database[Answer], length: int) -> None:
    """Return once the chain is longer than that, which somebody else may have to see to."""

    def is_longer() -> bool:
        return documents.audit_chain.count_documents({}) > length

    await until(is_longer, seconds=TAKEN_OVER_SECONDS)


async def test_one_killed_before_it_takes_off_what_it_sealed(
    mongo: ReplicaSet, store: MongoStore, documents: Database[Answer], made: Made
) -> None:
    workers = [made(), made()]
    await start(*workers)
    async with recording(store) as pods:
        await grown(documents, 0)
        first, other = await sealer(documents, workers)
        with refusing(mongo, "delete", "audit_pending"):
            await until(lambda: is_half_done(documents), seconds=PATIENCE_SECONDS)
            await asyncio.to_thread(first.kill)
        await grown(documents, documents.audit_chain.count_documents({}))
        assert holder(documents) == name_of(other)
    await all_sealed(store, seconds=PATIENCE_SECONDS)
    await assert_each_once(store, told(pods))
    assert sum(one.refused for one in pods) == 0
    assert (await verified(store, SECRET)).problems == []


@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
async def test_two_that_are_killed_again_and_again(
    store: MongoStore, documents: Database[Answer], made: Made, heads_file: Path, kills: int
) -> None:
    chance = random.Random(kills)
    workers = [made(), made()]
    starting = asyncio.create_task(start(*workers))
    async with recording(store) as pods:
        for _ in range(kills):
            length = documents.audit_chain.count_documents({})
            await asyncio.gather(*(pods[0].record(500) for _ in range(BACKLOG // 500)))
            await grown(documents, length)
            await starting
            first, other = await sealer(documents, workers)
            await asyncio.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
            await asyncio.to_thread(first.kill)
            killed = [first]
            if chance.random() < 0.3:
                await asyncio.to_thread(other.kill)
                killed.append(other)
            starting = asyncio.create_task(start(*killed))
        await starting
    await all_sealed(store, seconds=PATIENCE_SECONDS)
    await assert_each_once(store, told(pods))
    await until(heads_file.exists)
    assert (await verified(store, SECRET, heads_file)).problems == []


async def test_heads_go_on_after_a_kill_and_prove_a_cut_from_the_file_and_from_the_log(
    store: MongoStore,
    documents: Database[Answer],
    made: Made,
    heads_file: Path,
    sealing_settings: Mapping[str, str],
) -> None:
    worker = made()

    async def verify(heads: Path) -> tuple[int, list[str]]:
        """Status and lines of the command."""
        known = {name.removeprefix("WHATCHAT_").lower(): one for name, one in settings}
        ended = await asyncio.to_thread(
            whatchat, "audit", "verify", "--heads", str(heads), cwd=heads_file.parent, **known
        )
        assert ended.stderr == ""
        return ended.returncode, ended.stdout.splitlines()

    settings = [*sealing_settings.items()]
    await start(worker)
    async with recording(store) as pods:
        await until(lambda: len(handed_out(heads_file)) >= 2, seconds=PATIENCE_SECONDS)
        assert (await verify(heads_file))[0] == 0, "while records and heads are added"
        await asyncio.to_thread(worker.kill)
        before = handed_out(heads_file)
        await start(worker)
        await until(
            lambda: len(handed_out(heads_file)) >= len(before) + 2, seconds=PATIENCE_SECONDS
        )
    await all_sealed(store, seconds=PATIENCE_SECONDS)
    length = len(told(pods))
    await until(lambda: handed_out(heads_file)[-1] == length, seconds=PATIENCE_SECONDS)
    assert handed_out(heads_file) == sorted(handed_out(heads_file))
    for heads in (heads_file, worker.log):
        status, lines = await verify(heads)
        assert (status, lines[2]) == (0, f"heads from outside: up to record {length}")

    documents.audit_chain.delete_many({"seq": {"$gt": length - 10}})
    documents.audit_heads.delete_many({"_id": {"$gt": length - 10}})
    for heads in (heads_file, worker.log):
        status, lines = await verify(heads)
        assert status == 1
        assert lines[0].startswith(f"bad: record {length - 9} is missing: the log was cut")


def handed_out(heads_file: Path) -> list[int]:
    """Of which records there are heads outside, in the order of signing."""
    if not heads_file.exists():
        return []
    heads = map(read_head, heads_file.read_bytes().splitlines())
    return [one.seq for one in heads if one is not None and one.is_signed]
