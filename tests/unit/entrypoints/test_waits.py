"""Who was told to wait is told so again without anybody being asked."""

from collections.abc import Sequence

import pytest

from tests.unit.audit.stores import trail_into_memory
from tests.unit.entrypoints.toys import actor
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.domain.errors import RateLimited
from whatchat.domain.ports.limiter import Charge
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.quotas import QUOTAS
from whatchat.entrypoints.waits import MAX_WAITS, Waits
from whatchat.observability.metrics import Metrics


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


class Counting(EmbeddedLimiter):
    """A limiter that counts how often it was asked to charge."""

    asked = 0

    async def charge(self, charges: Sequence[Charge]) -> int:
        self.asked += 1
        return await super().charge(charges)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_wait_ends_when_it_was_said_to(clock: Clock) -> None:
    waits = Waits(clock)
    assert waits.left("ada", 1) == 0
    waits.begin("ada", 1, 200)
    assert (waits.left("ada", 1), waits.left("bob", 1)) == (200, 0)
    clock.now += 0.15
    assert waits.left("ada", 5) == 50
    clock.now += 0.05
    assert waits.left("ada", 1) == 0


def test_what_is_smaller_than_what_was_refused_may_fit(clock: Clock) -> None:
    waits = Waits(clock)
    waits.begin("ada", 17, 500)
    assert (waits.left("ada", 16), waits.left("ada", 17)) == (0, 500)


def test_a_long_wait_is_asked_for_anew(clock: Clock) -> None:
    waits = Waits(clock)
    waits.begin("ada", 1, 60_000)
    assert waits.left("ada", 1) == 1000


def test_no_more_are_remembered_than_may_be(clock: Clock) -> None:
    waits = Waits(clock)
    for number in range(MAX_WAITS + 1):
        waits.begin(number, 1, 1000)
    assert (waits.left(0, 1), waits.left(1, 1), waits.left(MAX_WAITS, 1)) == (0, 1000, 1000)


async def test_a_flood_asks_the_limiter_no_more(metrics: Metrics) -> None:
    limiter = Counting(lambda: 1.0)
    limits = Limits(limiter, metrics, trail_into_memory())
    burst = QUOTAS["query"].burst
    for _ in range(burst // 21):
        await limits.charge("query", actor(), {"cursors": [""] * 1000})
    asked = limiter.asked
    for _ in range(500):
        with pytest.raises(RateLimited) as refused:
            await limits.charge("query", actor(), {"cursors": [""] * 1000})
        assert 0 < (refused.value.retry_after_ms or 0) <= 1000
    assert limiter.asked - asked < 20
