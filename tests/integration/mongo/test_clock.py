"""A worker of the real store whose clock is off."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.faketime import clock_off_by
from tests.servers.redis_server import RedisServer
from tests.servers.worker_process import WorkerProcess
from tests.waiting import until
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.times import utc_now


@pytest.fixture
def worker(mongo_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[WorkerProcess]:
    """One whose clock is an hour behind."""
    servers = {"WHATCHAT_STORE_URL": mongo_url, "WHATCHAT_REDIS_URL": redis_server.url}
    worker = WorkerProcess(tmp_path, servers | clock_off_by(-1))
    worker.start()
    yield worker
    worker.close()


async def test_the_store_says_what_time_it_is(store: MongoStore) -> None:
    assert abs((await store.clock() - utc_now()).total_seconds()) < 1


async def test_a_process_whose_clock_is_off_says_so(worker: WorkerProcess) -> None:
    def warned() -> bool:
        return bool(json.loads(worker.get("/readyz")[1])["warnings"])

    await until(warned, seconds=20)
    status, body = worker.get("/readyz")
    assert status == 200
    (warning,) = json.loads(body)["warnings"]
    assert " s behind the store's: see that time is synchronised (NTP" in warning
    assert sum("this machine's clock is " in line for line in worker.log_lines()) == 1
    _, metrics = worker.get("/metrics")
    line = next(one for one in metrics.splitlines() if one.startswith("whatchat_clock_skew"))
    assert float(line.split()[1]) == pytest.approx(-3600, abs=2)
