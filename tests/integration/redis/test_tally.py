"""The tally that pods share."""

import asyncio
import time
from contextlib import AsyncExitStack

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.embedded.tally import InProcessTally
from whatchat.adapters.redis.tally import RedisTally
from whatchat.domain.ports.tally import Tally
from whatchat.observability.metrics import Metrics


async def add(tally: Tally, seconds: int = 60) -> int:
    return await tally.add("key", seconds=seconds, most=100)


async def test_pods_count_together_and_no_two_get_the_same_number(server: RedisServer) -> None:
    keys = fresh_keys()
    async with AsyncExitStack() as opened:
        tallies = [
            RedisTally(
                await opened.enter_async_context(connected(server.url)),
                keys,
                InProcessTally(),
                Metrics(),
            )
            for _ in range(3)
        ]
        counts = await asyncio.gather(*(add(tally) for tally in tallies for _ in range(10)))
    assert sorted(counts) == list(range(1, 31))


async def test_what_is_over_is_forgotten(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        tally = RedisTally(servers, keys, InProcessTally(), Metrics())
        await add(tally, seconds=1)
        assert 800 < server.command("PTTL", keys.tally("key")) <= 1000
        await until(lambda: server.command("DBSIZE") == 0)


async def test_a_key_that_is_no_tally_does_not_stop_anybody(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        tally = RedisTally(servers, keys, InProcessTally(), Metrics())
        server.command("SET", keys.tally("key"), "x")
        assert [await add(tally) for _ in range(2)] == [1, 2]


async def test_without_redis_a_pod_counts_alone_and_at_once(server: RedisServer) -> None:
    metrics = Metrics()
    async with connected(server.url, metrics) as servers:
        tally = RedisTally(servers, fresh_keys(), InProcessTally(), metrics)
        assert await add(tally) == 1
        server.kill()
        start = time.monotonic()
        assert [await add(tally) for _ in range(3)] == [1, 2, 3]
        assert await tally.count("key", seconds=60) == 3
        assert time.monotonic() - start < 5
        assert metrics.tally_fallbacks._value.get() == 4
