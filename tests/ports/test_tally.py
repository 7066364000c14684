"""What every tally must do."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.tally import InProcessTally
from whatchat.adapters.redis.tally import RedisTally
from whatchat.domain.ports.tally import Tally
from whatchat.observability.metrics import Metrics


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Never:
    """A tally that must not be asked."""

    async def add(
        self, key: str, *, seconds: int, most: int, member: str | None = None, times: int = 1
    ) -> int:
        raise AssertionError("Redis was not asked")

    async def count(self, key: str, *, seconds: int, member: str | None = None) -> int:
        raise AssertionError("Redis was not asked")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["in-process", "redis"])
async def tally(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Tally]:
    """A tally of each kind that goes by the test's clock."""
    if request.param == "in-process":
        yield InProcessTally(clock)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    metrics = Metrics()
    async with connected(server.url, metrics) as servers:
        yield RedisTally(servers, fresh_keys(), Never(), metrics, clock=clock)


async def add(tally: Tally, key: str = "a", member: str | None = None, most: int = 5) -> int:
    return await tally.add(key, seconds=60, most=most, member=member)


async def test_everything_counts(tally: Tally) -> None:
    assert [await add(tally) for _ in range(3)] == [1, 2, 3]
    assert await tally.count("a", seconds=60) == 3


async def test_one_member_is_there_or_not(tally: Tally, clock: Clock) -> None:
    for member in ("x", "x", "y"):
        await add(tally, member=member)
    assert [await tally.count("a", seconds=60, member=one) for one in ("x", "y", "z")] == [1, 1, 0]
    assert await tally.count("b", seconds=60, member="x") == 0
    clock.now += 59
    await add(tally, member="y")
    clock.now += 1
    assert [await tally.count("a", seconds=60, member=one) for one in ("x", "y")] == [0, 1]


async def test_nothing_was_counted_of_what_nobody_added(tally: Tally) -> None:
    assert await tally.count("a", seconds=60) == 0


async def test_no_more_are_counted_than_most(tally: Tally) -> None:
    assert [await add(tally, most=3) for _ in range(5)] == [1, 2, 3, 3, 3]
    assert await tally.count("a", seconds=60) == 3


async def test_several_count_at_once(tally: Tally) -> None:
    assert await tally.add("a", seconds=60, most=5, times=3) == 3
    assert await tally.add("a", seconds=60, most=5, times=10_000) == 5
    assert await tally.add("b", seconds=60, most=5, times=3, member="x") == 1


async def test_the_window_slides(tally: Tally, clock: Clock) -> None:
    await add(tally)
    clock.now += 30
    await add(tally)
    clock.now += 29.9
    assert await tally.count("a", seconds=60) == 2
    clock.now += 0.1
    assert await tally.count("a", seconds=60) == 1
    assert await add(tally) == 2
    clock.now += 60
    assert await tally.count("a", seconds=60) == 0
    assert await add(tally) == 1


async def test_of_a_longer_window_a_part_can_be_counted(tally: Tally, clock: Clock) -> None:
    await add(tally)
    clock.now += 30
    await add(tally)
    assert await tally.count("a", seconds=10) == 1


async def test_a_member_is_any_text(tally: Tally) -> None:
    for member in ("", "", "ünïcode 🎈", "ünïcode 🎈", "1.5", "NX"):
        await add(tally, member=member)
    assert await tally.count("a", seconds=60) == 4


async def test_the_same_member_counts_once_at_its_latest_time(tally: Tally, clock: Clock) -> None:
    assert [await add(tally, member=one) for one in ("x", "y", "x")] == [1, 2, 2]
    clock.now += 50
    assert await add(tally, member="x") == 2
    clock.now += 20
    assert await tally.count("a", seconds=60) == 1
    assert await add(tally, member="x") == 1


async def test_of_more_members_than_most_the_latest_stay(tally: Tally, clock: Clock) -> None:
    for member in ("x", "y", "z"):
        await add(tally, member=member, most=2)
        clock.now += 1
    assert await add(tally, member="y", most=3) == 2
    assert await add(tally, member="x", most=3) == 3


async def test_keys_do_not_share(tally: Tally) -> None:
    await add(tally, "a", "x")
    assert await add(tally, "b", "x") == 1


async def test_a_key_is_any_text(tally: Tally) -> None:
    for key in ("network:2001:db8::/64", "{a}:b", "ünïcode 🎈", "a" * 500):
        assert await add(tally, key) == 1
        assert await add(tally, key) == 2


async def test_the_in_process_tally_forgets_what_is_over(clock: Clock) -> None:
    tally = InProcessTally(clock)
    for number in range(1000):
        await add(tally, str(number))
        clock.now += 60
    assert len(tally._logs) < 5
    assert tally._entries == sum(len(log.times) for log in tally._logs.values())


async def test_the_in_process_tally_holds_no_more_than_it_may(clock: Clock) -> None:
    tally = InProcessTally(clock, max_entries=10)
    for number in range(100):
        for _ in range(3):
            await add(tally, str(number))
    assert tally._entries == sum(len(log.times) for log in tally._logs.values()) <= 10
    assert await add(tally, "99") == 4


async def test_one_key_alone_is_bounded_by_most(clock: Clock) -> None:
    tally = InProcessTally(clock, max_entries=10)
    assert [await add(tally, most=20) for _ in range(30)][-1] == 20
    assert len(tally._logs) == 1
