"""What attacks take."""

from collections.abc import AsyncIterator

import pytest

from tests.security.cluster import Cluster
from tests.security.stage import Stage
from tests.servers.redis_server import RedisServer


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A pod with nobody on it; nothing that is done to it may surprise it."""
    async with Stage() as stage:
        yield stage
        errors = [one for one in stage.logged() if one["level"] in {"error", "critical"}]
        assert errors == [], "an attack was not foreseen"


@pytest.fixture
async def cluster(mongo_url: str, redis_server: RedisServer) -> AsyncIterator[Cluster]:
    """A pod on a MongoDB and a Redis, where more can be opened."""
    async with Cluster(mongo_url, redis_server) as cluster:
        yield cluster
        errors = [one for one in cluster.logged() if one["level"] in {"error", "critical"}]
        assert errors == [], "an attack was not foreseen"
