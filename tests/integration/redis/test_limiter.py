"""The limiter that pods share."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.limiter import Charge, Quota
from whatchat.observability.metrics import Metrics

QUOTA = Quota(rate=0.5, burst=20)


def one(key: str, cost: float = 1, owner: str = "") -> Charge:
    return Charge(key=key, quota=QUOTA, cost=cost, owner=owner)


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
            *(limiter.charge([one("key")]) for limiter in limiters for _ in range(10))
        )
    assert waits.count(0) == 20
    assert all(1_900 <= wait <= 2_000 for wait in waits if wait)


async def test_what_is_whole_again_is_forgotten(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        limiter = RedisLimiter(servers, keys, EmbeddedLimiter(), Metrics())
        await limiter.charge([Charge(key="key", quota=Quota(rate=10, burst=10), cost=3)])
        assert 200 < server.command("PTTL", keys.limit("", "key")) <= 300
        await until(lambda: server.command("DBSIZE") == 0)


async def test_a_server_that_forgot_the_script_is_told_it_again(server: RedisServer) -> None:
    async with connected(server.url) as servers:
        limiter = RedisLimiter(servers, fresh_keys(), EmbeddedLimiter(), Metrics())
        assert await limiter.charge([one("key", 20)]) == 0
        server.command("SCRIPT", "FLUSH")
        assert await limiter.charge([one("key")]) > 0


async def test_while_redis_is_away_each_pod_decides_alone(server: RedisServer) -> None:
    metrics = Metrics()
    async with connected(server.url, metrics) as servers:
        limiter = RedisLimiter(servers, fresh_keys(), EmbeddedLimiter(), metrics)
        assert await limiter.charge([one("key", 20)]) == 0
        server.kill()
        await until(lambda: _is_lost(metrics, limiter))
        assert await limiter.charge([one("other", 20)]) == 0
        assert await limiter.charge([one("other")]) > 0
        server.start()
        await until(lambda: _is_back(limiter))


async def _is_lost(metrics: Metrics, limiter: RedisLimiter) -> bool:
    await limiter.charge([one("probe")])
    return bool(metrics.registry.get_sample_value("whatchat_limiter_fallbacks_total"))


async def _is_back(limiter: RedisLimiter) -> bool:
    """Redis has forgotten what the pod still remembers by itself."""
    return await limiter.charge([one("other")]) == 0


async def test_whatever_is_kept_ends_by_itself(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        limiter = RedisLimiter(servers, keys, EmbeddedLimiter(), Metrics())
        await limiter.slow_down("user:ada", factor=2, seconds=60)
        await limiter.charge([one("a", 1), one("b", 2, "user:ada"), one("c", 3, "user:bob")])
        await limiter.charge([one("c", -3, "user:bob")])
        names = server.command("KEYS", "*")
        assert len(names) == 3
        assert all(0 < server.command("PTTL", name) <= 60_000 for name in names)


async def test_a_value_that_was_lost_or_makes_no_sense_locks_nobody_out(
    server: RedisServer,
) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        limiter = RedisLimiter(servers, keys, EmbeddedLimiter(), Metrics())
        assert await limiter.charge([one("key", 20)]) == 0
        server.command("DEL", keys.limit("", "key"))  # as eviction does
        assert await limiter.charge([one("key", 20)]) == 0
        server.command("SET", keys.limit("", "key"), "nonsense")
        server.command("SET", keys.slowness("user:ada"), "nonsense")
        assert await limiter.charge([one("key", 20), one("key", 20, "user:ada")]) == 0
        # A clock that was an hour ahead: no longer than the quota ever takes to be whole.
        server.command("SET", keys.limit("", "key"), str(time.time() + 3600))
        assert 39_000 < await limiter.charge([one("key", 20)]) <= 40_000


async def test_while_redis_is_away_each_pod_slows_down_alone(server: RedisServer) -> None:
    metrics = Metrics()
    async with connected(server.url, metrics) as servers:
        limiter = RedisLimiter(servers, fresh_keys(), EmbeddedLimiter(), metrics)
        await limiter.slow_down("user:ada", factor=20, seconds=60)
        server.kill()
        await until(lambda: _is_lost(metrics, limiter))
        assert await limiter.factor_of("user:ada") == 20
        await limiter.slow_down("user:bob", factor=10, seconds=60)
        assert await limiter.charge([one("key", 1, "user:ada")]) == 0
        assert await limiter.charge([one("key", 1, "user:ada")]) > 0
        assert await limiter.charge([one("key", 2, "user:bob")]) == 0
        assert await limiter.charge([one("key", 1, "user:bob")]) > 0
        with pytest.raises(Unavailable):
            await limiter.forgive("user:ada")
        assert await limiter.charge([one("other", 20, "user:ada")]) == 0
        server.start()


async def test_a_server_that_takes_no_writes_is_as_good_as_away(server: RedisServer) -> None:
    metrics = Metrics()
    async with connected(server.url, metrics) as servers:
        limiter = RedisLimiter(servers, fresh_keys(), EmbeddedLimiter(), metrics)
        server.command("CONFIG", "SET", "maxmemory", "1")
        assert await limiter.charge([one("key", 20)]) == 0
        assert await limiter.charge([one("key")]) > 0
        assert metrics.registry.get_sample_value("whatchat_limiter_fallbacks_total") == 2
