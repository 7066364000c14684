"""What every limiter must do."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.domain.ports.limiter import Limiter, Quota
from whatchat.observability.metrics import Metrics

QUOTA = Quota(rate=2, burst=4)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Never:
    """A limiter that must not be asked."""

    async def charge(self, key: str, quota: Quota, cost: int = 1) -> int:
        raise AssertionError("Redis was not asked")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["embedded", "redis"])
async def limiter(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Limiter]:
    """A limiter of each kind that goes by the test's clock."""
    if request.param == "embedded":
        yield EmbeddedLimiter(clock)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    metrics = Metrics()
    async with connected(server.url, metrics) as servers:
        yield RedisLimiter(servers, fresh_keys(), Never(), metrics, clock=clock)


async def spend(limiter: Limiter, key: str, times: int) -> list[int]:
    return [await limiter.charge(key, QUOTA) for _ in range(times)]


async def test_a_whole_burst_fits_at_once_and_no_more(limiter: Limiter) -> None:
    assert await spend(limiter, "a", 5) == [0, 0, 0, 0, 500]


async def test_what_is_refused_is_not_charged(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "a", 20)
    clock.now += 0.5
    assert await spend(limiter, "a", 2) == [0, 500]


async def test_waiting_as_told_is_enough(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "a", 4)
    wait = await limiter.charge("a", QUOTA, cost=3)
    assert wait == 1500
    clock.now += wait / 1000
    assert await limiter.charge("a", QUOTA, cost=3) == 0


async def test_waiting_a_little_less_is_not_enough(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "a", 4)
    clock.now += 0.498
    assert await limiter.charge("a", QUOTA) == 2


async def test_a_quota_becomes_whole_again_but_never_more(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "a", 4)
    clock.now += 3600
    assert await spend(limiter, "a", 5) == [0, 0, 0, 0, 500]


async def test_keys_do_not_share(limiter: Limiter) -> None:
    await spend(limiter, "a", 5)
    assert await spend(limiter, "b", 4) == [0, 0, 0, 0]


async def test_the_average_is_the_rate(limiter: Limiter, clock: Clock) -> None:
    allowed = 0
    for _ in range(1000):
        allowed += await limiter.charge("a", QUOTA) == 0
        clock.now += 0.1
    assert allowed == pytest.approx(QUOTA.burst + 100 * QUOTA.rate, abs=1)


async def test_the_embedded_limiter_forgets_keys_that_are_whole_again(clock: Clock) -> None:
    limiter = EmbeddedLimiter(clock)
    for number in range(1000):
        await limiter.charge(str(number), QUOTA)
        clock.now += 1
    assert len(limiter._rates._whole_at) < 5


async def test_the_embedded_limiter_holds_no_more_keys_than_it_may(clock: Clock) -> None:
    limiter = EmbeddedLimiter(clock, max_keys=10)
    for number in range(100):
        await limiter.charge(str(number), QUOTA)
    assert len(limiter._rates._whole_at) == 10
    assert await limiter.charge("99", QUOTA, cost=4) == 500
