"""Redis servers that a test may break, and pods that listen to them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.redis.pods import Pods
from tests.servers.redis_server import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def pods() -> AsyncIterator[Pods]:
    """Opens pods, and closes them after the test."""
    async with AsyncExitStack() as opened:
        yield Pods(opened)
