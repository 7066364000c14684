"""Workers that seal what pods record."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.redis_server import RedisServer
from tests.servers.worker_process import WorkerProcess
from whatchat.adapters.mongo.store import MongoStore

SECRET = "a secret of the tests that is long enough"

Made = Callable[[], WorkerProcess]


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[MongoStore]:
    """A pod's way to what the workers have."""
    store = MongoStore(mongo_url)
    await store.open()
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
def heads_file(tmp_path: Path) -> Path:
    """Where all workers hand heads out, each second."""
    return tmp_path / "heads"


@pytest.fixture
def sealing_settings(
    mongo_url: str, redis_server: RedisServer, heads_file: Path
) -> Mapping[str, str]:
    """What workers are told."""
    return {
        "WHATCHAT_STORE_URL": mongo_url,
        "WHATCHAT_REDIS_URL": redis_server.url,
        "WHATCHAT_JWT_SECRET": SECRET,
        "WHATCHAT_AUDIT_HEADS_FILE": str(heads_file),
        "WHATCHAT_AUDIT_HEAD_SECONDS": "1",
    }


@pytest.fixture
def made(sealing_settings: Mapping[str, str], tmp_path: Path) -> Iterator[Made]:
    """Makes workers to be started, which end with the test; none may have died of anything."""
    workers: list[WorkerProcess] = []
    with ExitStack() as ends:

        def make() -> WorkerProcess:
            folder = tmp_path / f"worker-{len(workers)}"
            folder.mkdir()
            workers.append(WorkerProcess(folder, sealing_settings))
            ends.callback(workers[-1].close)
            return workers[-1]

        yield make
    assert [text for worker in workers for text in worker.tracebacks()] == []
