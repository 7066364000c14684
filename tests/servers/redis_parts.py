"""What the adapters need of a Redis, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.opening import servers_of
from whatchat.adapters.redis.servers import Servers
from whatchat.adapters.redis.url import parse
from whatchat.domain.ids import random_id
from whatchat.observability.metrics import Metrics

SECRET = b"the secret of a store that all these pods share"


def fresh_keys() -> Keys:
    """Names that no other test uses."""
    return Keys(prefix=f"test-{random_id()}")


@asynccontextmanager
async def connected(url: str, metrics: Metrics | None = None) -> AsyncIterator[Servers]:
    """The servers that a URL names, as a pod would reach them."""
    servers = servers_of(parse(url), metrics or Metrics())
    await servers.start()
    try:
        yield servers
    finally:
        await servers.close()


@asynccontextmanager
async def listening(
    url: str, keys: Keys, metrics: Metrics | None = None
) -> AsyncIterator[RedisBroker]:
    """A pod's broker."""
    metrics = metrics or Metrics()
    async with connected(url, metrics) as servers:
        broker = RedisBroker(servers, keys, metrics, SECRET)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.close()
