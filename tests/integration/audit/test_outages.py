"""The store of the audit log goes away and comes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.integration.audit.conftest import SECRET
from tests.integration.audit.recording import (
    EVERYTHING,
    all_sealed,
    assert_each_once,
    recording,
    told,
    verified,
)
from tests.integration.mongo.faults import refusing
from tests.integration.pods.cluster import Cluster
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.mongo.store import MongoStore
from whatchat.audit.handing_out import HandingOut
from whatchat.audit.heads import HeadKey
from whatchat.audit.sealing import Sealing
from whatchat.audit.trail import DEADLINE_SECONDS
from whatchat.background.routine import Routine
from whatchat.domain.audit import Record
from whatchat.domain.ports.store import Store
from whatchat.observability.metrics import Metrics

SLACK_SECONDS = 2.0
AWAY_SECONDS = DEADLINE_SECONDS + SLACK_SECONDS
PATIENCE_SECONDS = 30.0


@asynccontextmanager
async def sealing(store: Store, heads: Path) -> AsyncIterator[None]:
    """Somebody who seals, and signs a head each second."""
    key = HeadKey.derived_from(SECRET.encode())
    part = Sealing(store, "sealer", Metrics(), key, HandingOut(heads), head_seconds=1)
    routine = Routine(part)
    task = asyncio.create_task(routine.run())
    try:
        yield
    finally:
        routine.finish()
        await task


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[ReplicaSet]:
    """A server that the test may end."""
    replica_set = ReplicaSet(tmp_path / "mongo")
    replica_set.start()
    yield replica_set
    replica_set.stop()


@pytest.fixture
async def their_store(alone: ReplicaSet) -> AsyncIterator[MongoStore]:
    store = MongoStore(alone.url("test"))
    await store.open()
    await store.migrate()
    yield store
    await store.close()


async def test_what_was_recorded_while_the_primary_was_away_is_sealed_once(
    alone: ReplicaSet, their_store: MongoStore, tmp_path: Path
) -> None:
    heads = tmp_path / "heads"
    async with sealing(their_store, heads), recording(their_store) as pods:
        await until(lambda: all(one.answered > 100 for one in pods), seconds=PATIENCE_SECONDS)
        await asyncio.to_thread(alone.nodes[0].kill)
        await asyncio.sleep(AWAY_SECONDS)
        assert all(one.refused > 0 for one in pods), "nobody was told"
        answered = sum(one.answered for one in pods)
        await asyncio.to_thread(alone.nodes[0].start)
        await until(
            lambda: sum(one.answered for one in pods) > answered + 100, seconds=PATIENCE_SECONDS
        )
    assert max(one.longest for one in pods) < DEADLINE_SECONDS + SLACK_SECONDS
    await assert_each_once(their_store, told(pods))
    verdict = await verified(their_store, SECRET, heads)
    assert verdict.problems == []
    assert verdict.covered == len(told(pods))


async def test_a_command_that_cannot_be_recorded_is_unavailable_and_recorded_later(
    mongo: ReplicaSet, mongo_url: str, redis_server: RedisServer, store: MongoStore
) -> None:
    async with Cluster(mongo_url, redis_server.url) as cluster, httpx.AsyncClient() as http:
        node = await cluster.node()
        await cluster.worker()

        async def register(name: str) -> dict[str, str]:
            body = {"username": name, "password": "correct horse battery staple"}
            answer = (await http.post(f"{node.url}/api/auth/register", json=body)).json()
            return {"id": answer["user"]["id"], "token": answer["accessToken"]}

        ada, eve = await register("ada"), await register("eve")

        async def block() -> httpx.Response:
            return await http.put(
                f"{node.url}/api/users/{eve['id']}/block",
                headers={"Authorization": f"Bearer {ada['token']}"},
                timeout=DEADLINE_SECONDS + SLACK_SECONDS,
            )

        with refusing(mongo, "insert", "audit_pending"):
            refused = await block()
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        assert (await block()).status_code == 204
        await until(lambda: has_sealed_block(store), seconds=PATIENCE_SECONDS)
        await all_sealed(store, seconds=PATIENCE_SECONDS)
    kinds = [one.act.kind for one in await records(store)]
    assert kinds == ["account.registered", "account.registered", "user.blocked"]


async def has_sealed_block(store: Store) -> bool:
    return "user.blocked" in [one.act.kind for one in await records(store)]


async def records(store: Store) -> list[Record]:
    chain = await store.audit.read(after=0, limit=EVERYTHING)
    return [msgspec.json.decode(one.body, type=Record) for one in chain]
