"""Pods that share servers, and people on them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import People
from tests.servers.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own, which it may break."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def cluster(mongo_url: str, redis: RedisServer) -> AsyncIterator[Cluster]:
    """Opens pods, and closes them after the test."""
    async with Cluster(mongo_url, redis.url) as cluster:
        yield cluster


@pytest.fixture
async def people(cluster: Cluster) -> AsyncIterator[People]:
    """Registers people, and disconnects them before the pods close."""
    async with People() as people:
        yield people
