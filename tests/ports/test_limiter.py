"""What every limiter must do."""

from collections.abc import AsyncIterator, Sequence

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.domain.ports.limiter import Charge, Limiter, Quota
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

    async def charge(self, charges: Sequence[Charge]) -> int:
        raise AssertionError("Redis was not asked")

    async def slow_down(self, owner: str, *, factor: int, seconds: int) -> None:
        """Remembered for the day when Redis is away."""

    async def forgive(self, owner: str) -> None:
        """The same."""

    async def factor_of(self, owner: str) -> int:
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


def one(key: str, cost: float = 1, owner: str = "") -> Charge:
    return Charge(key=key, quota=QUOTA, cost=cost, owner=owner)


async def spend(limiter: Limiter, key: str, times: int, owner: str = "") -> list[int]:
    return [await limiter.charge([one(key, owner=owner)]) for _ in range(times)]


async def test_a_whole_burst_fits_at_once_and_no_more(limiter: Limiter) -> None:
    assert await spend(limiter, "a", 5) == [0, 0, 0, 0, 500]


async def test_what_is_refused_is_not_charged(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "a", 20)
    clock.now += 0.5
    assert await spend(limiter, "a", 2) == [0, 500]


async def test_waiting_as_told_is_enough(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "a", 4)
    wait = await limiter.charge([one("a", 3)])
    assert wait == 1500
    clock.now += wait / 1000
    assert await limiter.charge([one("a", 3)]) == 0


async def test_waiting_a_little_less_is_not_enough(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "a", 4)
    clock.now += 0.498
    assert await limiter.charge([one("a")]) == 2


async def test_rounding_makes_nobody_wait_longer(limiter: Limiter, clock: Clock) -> None:
    quota = Quota(rate=2.5, burst=4)
    waits = set()
    for key in map(str, range(20)):
        clock.now += 0.1
        await limiter.charge([Charge(key=key, quota=quota, cost=4)])
        waits.add(await limiter.charge([Charge(key=key, quota=quota)]))
    assert waits == {400}


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
        allowed += await limiter.charge([one("a")]) == 0
        clock.now += 0.1
    assert allowed == pytest.approx(QUOTA.burst + 100 * QUOTA.rate, abs=1)


async def test_charges_made_together_are_made_all_or_none(limiter: Limiter, clock: Clock) -> None:
    await spend(limiter, "user", 4)
    assert await limiter.charge([one("device"), one("user", 2), one("address")]) == 1000
    assert await limiter.charge([one("device", 4)]) == 0
    assert await limiter.charge([one("address", 4)]) == 0
    clock.now += 0.5
    assert await limiter.charge([one("device"), one("user"), one("address")]) == 0
    assert await spend(limiter, "user", 1) == [500]


async def test_of_several_waits_the_longest_is_told(limiter: Limiter, clock: Clock) -> None:
    await limiter.charge([one("a", 4), one("b", 3)])
    wait = await limiter.charge([one("a", 3), one("b", 3)])
    assert wait == 1500
    clock.now += wait / 1000
    assert await limiter.charge([one("a", 3), one("b", 3)]) == 0


async def test_what_costs_nothing_asks_whether_one_unit_would_fit(limiter: Limiter) -> None:
    for _ in range(10):
        assert await limiter.charge([one("a", 0)]) == 0
    assert await spend(limiter, "a", 4) == [0] * 4
    assert await limiter.charge([one("a", 0)]) == 500
    assert await limiter.charge([one("a", 0), one("b", 4)]) == 500
    assert await limiter.charge([one("b", 4)]) == 0


async def test_a_negative_cost_gives_back_but_never_beyond_whole(limiter: Limiter) -> None:
    await spend(limiter, "a", 4)
    assert await limiter.charge([one("a", -1)]) == 0
    assert await spend(limiter, "a", 2) == [0, 500]
    await limiter.charge([one("a", -100)])
    assert await spend(limiter, "a", 5) == [0, 0, 0, 0, 500]


async def test_more_than_a_burst_costs_a_burst(limiter: Limiter, clock: Clock) -> None:
    assert await limiter.charge([one("a", 1000)]) == 0
    wait = await limiter.charge([one("a", 1000)])
    assert wait == 2000
    clock.now += wait / 1000
    assert await limiter.charge([one("a", 1000)]) == 0


async def test_fractions_are_charged_as_they_are(limiter: Limiter) -> None:
    waits = [await limiter.charge([one("a", 0.5)]) for _ in range(9)]
    assert waits == [0] * 8 + [250]


async def test_of_an_owner_who_is_slowed_down_everything_costs_more(limiter: Limiter) -> None:
    await limiter.slow_down("user:ada", factor=2, seconds=60)
    assert await limiter.factor_of("user:ada") == 2
    for key in ("message", "query"):
        assert await spend(limiter, key, 3, owner="user:ada") == [0, 0, 1000]
        assert await spend(limiter, key, 5, owner="user:bob") == [0, 0, 0, 0, 500]
    mixed = [one("typing", 2, "user:ada"), one("typing", 4, "user:eve")]
    assert await limiter.charge(mixed) == 0
    assert await limiter.charge([one("typing", 0, "user:ada")]) == 1000
    assert await limiter.factor_of("user:bob") == 1


async def test_whoever_is_forgiven_pays_as_before(limiter: Limiter) -> None:
    await limiter.slow_down("user:ada", factor=4, seconds=60)
    await limiter.slow_down("user:ada", factor=2, seconds=60)
    assert await spend(limiter, "a", 1, owner="user:ada") == [0]
    await limiter.forgive("user:ada")
    await limiter.forgive("user:nobody")
    assert await limiter.factor_of("user:ada") == 1
    assert await spend(limiter, "a", 3, owner="user:ada") == [0, 0, 500]


async def test_owners_do_not_share_what_has_one_name(limiter: Limiter) -> None:
    assert await spend(limiter, "a", 5, owner="user:ada") == [0, 0, 0, 0, 500]
    assert await spend(limiter, "a", 5, owner="user:bob") == [0, 0, 0, 0, 500]
    assert await spend(limiter, "a", 5) == [0, 0, 0, 0, 500]


async def test_the_embedded_limiter_slows_down_for_as_long_as_it_was_told(clock: Clock) -> None:
    limiter = EmbeddedLimiter(clock, max_keys=2)
    await limiter.slow_down("ada", factor=2, seconds=10)
    clock.now += 9.9
    assert await limiter.factor_of("ada") == 2
    clock.now += 0.1
    assert await limiter.factor_of("ada") == 1
    for name in ("ada", "bob", "eve"):
        await limiter.slow_down(name, factor=3, seconds=10)
    assert [await limiter.factor_of(name) for name in ("ada", "bob", "eve")] == [1, 3, 3]


async def test_the_embedded_limiter_forgets_keys_that_are_whole_again(clock: Clock) -> None:
    limiter = EmbeddedLimiter(clock)
    for number in range(1000):
        await limiter.charge([one(str(number))])
        clock.now += 1
    assert len(limiter._rates._whole_at) < 5


async def test_the_embedded_limiter_holds_no_more_keys_than_it_may(clock: Clock) -> None:
    limiter = EmbeddedLimiter(clock, max_keys=10)
    for number in range(100):
        await limiter.charge([one(str(number))])
    assert len(limiter._rates._whole_at) == 10
    assert await limiter.charge([one("99", 4)]) == 500
