"""``whatchat worker``, as an operator meets it: real processes over real servers."""

import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from pymongo import MongoClient

from tests.e2e.node_process import free_port
from tests.integration.mongo.entries import ADA, BOB, created, entry, post
from tests.integration.mongo.faults import refusing
from tests.servers.mongod import Answer, MongoNode, ReplicaSet
from tests.servers.redis_server import RedisServer
from tests.servers.worker_process import WorkerProcess
from tests.unit.entrypoints.test_command_line import whatchat
from tests.waiting import until
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, Seq, random_id
from whatchat.domain.log import MessageDeleted, MessageEdited
from whatchat.domain.times import utc_now

PATIENCE_SECONDS = 20.0
END_SECONDS = 8.0

Start = Callable[[], WorkerProcess]


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[MongoStore]:
    """A pod's way to what the workers have."""
    store = MongoStore(mongo_url)
    await store.open()
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
def start(mongo_url: str, redis: RedisServer, tmp_path: Path) -> Iterator[Start]:
    """Starts workers, which end with the test; none may have died of anything."""
    workers: list[WorkerProcess] = []
    env = {"WHATCHAT_STORE_URL": mongo_url, "WHATCHAT_REDIS_URL": redis.url}
    with ExitStack() as ends:

        def start() -> WorkerProcess:
            folder = tmp_path / f"worker-{len(workers)}"
            folder.mkdir()
            worker = WorkerProcess(folder, env)
            ends.callback(worker.close)
            worker.start()
            workers.append(worker)
            return worker

        yield start
    assert [text for worker in workers for text in worker.tracebacks()] == []


def count(worker: WorkerProcess, metric: str) -> float:
    found = re.search(rf"^{re.escape(metric)} (\S+)$", worker.get("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


def done(*workers: WorkerProcess) -> float:
    return sum(count(worker, 'whatchat_work_done_total{group="retention"}') for worker in workers)


async def write(store: MongoStore, messages: int) -> RoomId:
    room_id = RoomId(random_id())
    await store.messages.append([entry(room_id, 1, created(ADA, BOB))])
    for rev in range(2, messages + 2):
        await store.messages.append([entry(room_id, rev, post("a secret"))])
    return room_id


async def leave_unerased(mongo: ReplicaSet, store: MongoStore, room_id: RoomId, rev: int) -> None:
    """Delete a message by a pod that dies before anything is erased."""
    with refusing(mongo, "update", "log"), pytest.raises(Unavailable):
        await store.messages.append([entry(room_id, rev, MessageDeleted(seq=Seq(2)))])


def is_erased(mongo: ReplicaSet, room_id: RoomId) -> bool:
    with MongoClient[Answer](mongo.url("test")) as client:
        found = client.get_default_database().log.find({"room_id": room_id})
        return "secret" not in repr(list(found))


async def test_it_works_tells_how_and_ends_when_asked(
    mongo: ReplicaSet, store: MongoStore, start: Start
) -> None:
    worker = start()
    room_id = await write(store, 1)
    await leave_unerased(mongo, store, room_id, 3)
    await until(lambda: is_erased(mongo, room_id), seconds=PATIENCE_SECONDS)
    await until(lambda: done(worker) >= 3, seconds=PATIENCE_SECONDS)
    assert count(worker, "whatchat_work_fed_total") >= 3
    assert count(worker, 'whatchat_dependency_up{dependency="redis"}') == 1
    assert count(worker, "whatchat_ready") == 1
    assert 'role="worker"' in worker.get("/metrics")[1]
    await until(lambda: count(worker, "whatchat_event_loop_lag_seconds_count") >= 1)
    assert count(worker, 'whatchat_store_seconds_count{operation="find"}') >= 1
    assert count(worker, "whatchat_redis_seconds_count") >= 1
    assert worker.get("/livez")[0] == 200
    status, body = worker.get("/readyz")
    assert (status, json.loads(body)["dependencies"]) == (
        200,
        {"pod": "ok", "store": "ok", "redis": "ok"},
    )
    began = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - began < END_SECONDS
    events = [json.loads(line)["event"] for line in worker.log_lines()]
    assert events[0] == "working"
    assert events[-1] == "stopped"


async def test_several_share_the_work_and_one_that_is_killed_loses_none(
    mongo: ReplicaSet, store: MongoStore, start: Start
) -> None:
    workers = [start(), start()]
    await write(store, 60)
    await until(lambda: done(*workers) >= 61, seconds=PATIENCE_SECONDS)
    feeder = max(workers, key=lambda one: count(one, "whatchat_work_fed_total"))
    (other,) = (one for one in workers if one is not feeder)
    assert count(other, "whatchat_work_fed_total") == 0
    feeder.kill()
    room_id = await write(store, 1)
    await leave_unerased(mongo, store, room_id, 3)
    await until(lambda: is_erased(mongo, room_id), seconds=PATIENCE_SECONDS)
    assert count(other, "whatchat_work_fed_total") >= 3
    assert other.stop() == 0


async def test_what_is_over_is_erased_whichever_worker_is_left(
    mongo: ReplicaSet, store: MongoStore, start: Start
) -> None:
    workers = [start(), start()]
    for _ in range(2):
        room_id = await write(store, 1)
        soon = utc_now() + timedelta(seconds=1)
        await store.messages.append(
            [entry(room_id, 3, replace(post("a secret that ends"), expires_at=soon))]
        )
        await store.messages.append(
            [entry(room_id, 4, MessageEdited(seq=Seq(3), content="another that ends"))]
        )
        await until(partial(has_ended, mongo, room_id), seconds=PATIENCE_SECONDS)
        assert not is_erased(mongo, room_id), "what does not end is still there"
        if len(workers) == 2:
            (leader,) = (one for one in workers if expired(one))
            workers.remove(leader)
            leader.kill()
    assert sum(map(expired, workers)) == 1


def expired(worker: WorkerProcess) -> float:
    return count(worker, 'whatchat_work_done_total{group="expiry"}')


def has_ended(mongo: ReplicaSet, room_id: RoomId) -> bool:
    with MongoClient[Answer](mongo.url("test")) as client:
        found = list(client.get_default_database().log.find({"room_id": room_id}))
    return "that ends" not in repr(found) and found[-1]["change"]["kind"] == "expired"


async def test_it_outlives_its_servers(
    mongo: ReplicaSet, store: MongoStore, start: Start, redis: RedisServer
) -> None:
    worker = start()
    redis.kill()
    room_id = await write(store, 1)
    await leave_unerased(mongo, store, room_id, 3)
    await until(lambda: worker.get("/readyz")[0] == 503, seconds=PATIENCE_SECONDS)
    assert worker.get("/livez")[0] == 200
    redis.start()
    await until(lambda: is_erased(mongo, room_id), seconds=PATIENCE_SECONDS)
    await until(lambda: worker.get("/readyz")[0] == 200, seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "WHATCHAT_STORE_URL: the embedded store has no background work"),
        ({"store_url": "mongodb://127.0.0.1:1/b"}, "WHATCHAT_REDIS_URL: workers need the Redis"),
        (
            {"store_url": "mongodb://127.0.0.1:1/b", "redis_url": "redis://127.0.0.1:1"},
            "WHATCHAT_STORE_URL: no primary of a replica set within 5 s: 127.0.0.1:1: ",
        ),
        ({"redis_url": "http://127.0.0.1"}, "WHATCHAT_REDIS_URL: must be redis://"),
    ],
)
def test_a_setting_that_does_not_do_is_one_line(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    assert_one_line(tmp_path, settings, line)


def assert_one_line(folder: Path, settings: dict[str, str], line: str) -> None:
    ended = whatchat("worker", cwd=folder, **settings)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"whatchat: {line}")
    assert ended.stderr.count("\n") == 1


def test_a_redis_that_cannot_be_reached_is_one_line(tmp_path: Path, mongo_url: str) -> None:
    settings = {"store_url": mongo_url, "redis_url": f"redis://127.0.0.1:{free_port()}"}
    assert_one_line(tmp_path, settings, "WHATCHAT_REDIS_URL: 127.0.0.1:")


def test_a_server_that_is_no_replica_set_is_one_line(tmp_path: Path) -> None:
    node = MongoNode(tmp_path / "mongo")
    node.start(alone=True)
    try:
        settings = {
            "store_url": f"mongodb://{node.host}/b",
            "redis_url": f"redis://127.0.0.1:{free_port()}",
        }
        line = "WHATCHAT_STORE_URL: the MongoDB server is no replica set"
        assert_one_line(tmp_path, settings, line)
    finally:
        node.discard()


def test_its_help_says_what_it_needs(tmp_path: Path) -> None:
    helped = subprocess.run(
        [sys.executable, "-m", "whatchat", "worker", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "MongoDB and Redis" in " ".join(helped.stdout.split())
