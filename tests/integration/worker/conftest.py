"""A store, a Redis of the test's own, and the queue between them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.servers.redis_parts import connected
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.servers import Servers
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.background.routine import Part, Routine
from whatchat.domain.ports.store import Store
from whatchat.observability.metrics import Metrics

GROUPS = ("one", "other")


@asynccontextmanager
async def running(part: Part) -> AsyncIterator[Routine]:
    """A part at work."""
    routine = Routine(part)
    task = asyncio.create_task(routine.run())
    try:
        yield routine
    finally:
        routine.finish()
        await task


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    """An empty store whose feed tells nothing twice."""
    store = SqliteStore(":memory:")
    await store.open()
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may break."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def servers(redis: RedisServer) -> AsyncIterator[Servers]:
    """The way there."""
    async with connected(redis.url) as servers:
        yield servers


@pytest.fixture
def metrics() -> Metrics:
    """A worker's."""
    return Metrics()


@pytest.fixture
def queue(servers: Servers, metrics: Metrics) -> RedisWorkQueue:
    """A queue of two groups."""
    return RedisWorkQueue(servers, Keys(), "log", GROUPS, metrics, claim_seconds=0.2, attempts=3)
