"""What was answered is in the audit log, whatever process is killed, and whenever."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from itertools import cycle
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import PASSWORD
from tests.servers.redis_server import RedisServer
from tests.servers.worker_process import WorkerProcess
from tests.waiting import until
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.audit.chain import canonical
from whatchat.audit.evidence import Evidence
from whatchat.audit.heads import HeadKey, publics
from whatchat.audit.verifying import Verdict, Verifier
from whatchat.domain.audit import SERVER, Act, Record
from whatchat.domain.ids import random_id
from whatchat.domain.ports.audit_store import AuditStore, Pending
from whatchat.domain.times import utc_now

SECRET = "a secret of the tests that is long enough"
KEYS = publics([HeadKey.derived_from(SECRET.encode())])
KILLS = 2
TOGETHER = 20
PATIENCE_SECONDS = 30.0


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as ends:
        yield ends


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Heads are signed as often as they can be."""
    return {
        "WHATCHAT_JWT_SECRET": SECRET,
        "WHATCHAT_AUDIT_HEADS_FILE": str(tmp_path / "heads"),
        "WHATCHAT_AUDIT_HEAD_SECONDS": "1",
    }


def waiting() -> list[Pending]:
    acts = [Act(kind="anomaly.found")] * TOGETHER
    records = [
        Record(id=random_id(), at=utc_now(), pod="pod", actor=SERVER, act=act) for act in acts
    ]
    return [Pending(record_id=one.id, body=canonical(one)) for one in records]


def handed_out(folder: Path) -> Evidence:
    evidence, heads = Evidence(KEYS), folder / "heads"
    evidence.read(heads.read_bytes().splitlines() if heads.exists() else (), "heads")
    return evidence


async def verified(audit: AuditStore, folder: Path) -> Verdict:
    return await Verifier(audit, handed_out(folder), utc_now()).verify()


async def records(audit: AuditStore) -> list[Record]:
    """The whole chain."""
    found: list[Record] = []
    while page := await audit.read(after=len(found), limit=1_000):
        found += [msgspec.json.decode(one.body, type=Record) for one in page]
    return found


@pytest.mark.long
async def test_a_sealer_that_is_killed_loses_nothing_and_seals_nothing_twice(
    mongo_url: str,
    redis_server: RedisServer,
    env: dict[str, str],
    tmp_path: Path,
    ends: ExitStack,
) -> None:
    env |= {"WHATCHAT_STORE_URL": mongo_url, "WHATCHAT_REDIS_URL": redis_server.url}
    store = MongoStore(mongo_url)
    await store.open()
    await store.migrate()
    added: list[str] = []

    async def add() -> None:
        while True:
            new = waiting()
            await store.audit.add(new)
            added.extend(one.record_id for one in new)
            await asyncio.sleep(0.01)

    def has_sealed(goal: int) -> bool:
        return handed_out(tmp_path).latest >= goal

    workers = [WorkerProcess(tmp_path / f"worker-{number}", env) for number in range(KILLS + 1)]
    for worker in workers:
        worker.data_dir.mkdir()
        ends.callback(worker.close)
    adding = asyncio.create_task(add())
    for number, worker in enumerate(workers):
        goal = handed_out(tmp_path).latest + 2 * TOGETHER
        await asyncio.to_thread(worker.start)
        await until(partial(has_sealed, goal), seconds=PATIENCE_SECONDS)
        if number < KILLS:
            worker.kill()
    adding.cancel()
    await asyncio.wait([adding])
    assert await asyncio.to_thread(workers[-1].terminate) == 0
    verdict = await verified(store.audit, tmp_path)
    assert verdict.problems == []
    found = [one.id for one in await records(store.audit)]
    assert len(found) == len(set(found)) == verdict.covered
    assert set(added) <= set(found)
    await store.close()


async def test_a_node_that_is_killed_has_recorded_what_it_answered(
    env: dict[str, str], tmp_path: Path, ends: ExitStack
) -> None:
    database = tmp_path / "store.db"
    node = NodeProcess(tmp_path, {**env, "WHATCHAT_STORE_URL": f"sqlite:///{database}"})
    ends.callback(node.close)
    answered: Counter[str] = Counter()

    async def ask(http: httpx.AsyncClient, who: str) -> None:
        body = {"username": who, "password": PASSWORD}
        with suppress(httpx.TransportError):
            person = (await http.post("/api/auth/register", json=body)).json()
            other = (
                await http.post("/api/auth/register", json={**body, "username": f"{who}.b"})
            ).json()
            path, user_id = f"/api/users/{other['user']['id']}/block", person["user"]["id"]
            headers = {"Authorization": f"Bearer {person['accessToken']}"}
            for method in cycle(("PUT", "DELETE")):
                await http.request(method, path, headers=headers)
                answered[user_id] += 1

    def reached(goal: int) -> bool:
        return answered.total() >= goal

    for life in range(KILLS):
        await asyncio.to_thread(node.start)
        async with httpx.AsyncClient(base_url=node.url) as http:
            goal = answered.total() + 200
            asking = [asyncio.create_task(ask(http, f"life{life}.{one}")) for one in range(8)]
            await until(partial(reached, goal), seconds=PATIENCE_SECONDS)
            node.kill()
            await asyncio.gather(*asking)
    await asyncio.to_thread(node.start)
    assert await asyncio.to_thread(node.terminate) == 0
    store = SqliteStore(str(database), reads_only=True)
    await store.open()
    assert (await verified(store.audit, tmp_path)).problems == []
    kinds = {"user.blocked", "user.unblocked"}
    found = [one for one in await records(store.audit) if one.act.kind in kinds]
    told = Counter(str(one.actor.user_id) for one in found)
    assert answered.total() >= KILLS * 200
    assert all(told[user_id] >= times for user_id, times in answered.items())
    await store.close()
