"""The limiter that pods share."""

import asyncio
from contextlib import AsyncExitStack

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.domain.ports.limiter import Quota
from whatchat.observability.metrics import Metrics

QUOTA = Quota(rate=0.5, burst=20)


async def test_pods_charge_the_same_quota(server: RedisServer) -> None:
    keys = fresh_keys()
    async with AsyncExitStack() as opened:
        limiters = [
            RedisLimiter(
                await opened.enter_async_context(connected(server.url)),
                keys,
                EmbeddedLimiter(),
                Metrics(),
            )
            for _ in range(3)
        ]
        waits = await asyncio.gather(
            *(limiter.charge("key", QUOTA) for limiter in limiters for _ in range(10))
        )
    assert waits.count(0) == 20
    assert all(1_900 <= wait <= 2_000 for wait in waits if wait)


async def test_what_is_whole_again_is_forgotten(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        limiter = RedisLimiter(servers, keys, EmbeddedLimiter(), Metrics())
        await limiter.charge("key", Quota(rate=10, burst=10), cost=3)
        assert 200 < server.command("PTTL", keys.limit("key")) <= 300
        await until(lambda: server.command("DBSIZE") == 0)


async def test_a_server_that_forgot_the_script_is_told_it_again(server: RedisServer) -> None:
    async with connected(server.url) as servers:
        limiter = RedisLimiter(servers, fresh_keys(), EmbeddedLimiter(), Metrics())
        assert await limiter.charge("key", QUOTA, cost=20) == 0
        server.command("SCRIPT", "FLUSH")
        assert await limiter.charge("key", QUOTA) > 0


async def test_while_redis_is_away_each_pod_decides_alone(server: RedisServer) -> None:
    metrics = Metrics()
    async with connected(server.url, metrics) as servers:
        limiter = RedisLimiter(servers, fresh_keys(), EmbeddedLimiter(), metrics)
        assert await limiter.charge("key", QUOTA, cost=20) == 0
        server.kill()
        await until(lambda: _is_lost(metrics, limiter))
        assert await limiter.charge("other", QUOTA, cost=20) == 0
        assert await limiter.charge("other", QUOTA) > 0
        server.start()
        await until(lambda: _is_back(limiter))


async def _is_lost(metrics: Metrics, limiter: RedisLimiter) -> bool:
    await limiter.charge("probe", QUOTA)
    return bool(metrics.registry.get_sample_value("whatchat_limiter_fallbacks_total"))


async def _is_back(limiter: RedisLimiter) -> bool:
    """Redis has forgotten what the pod still remembers by itself."""
    return await limiter.charge("other", QUOTA) == 0
