"""Limits that pods share: neither many devices nor many pods are a way around them."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act, Party
from whatchat.domain.errors import RateLimited
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.limiter import Quota
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.quotas import QUOTAS, USER_QUOTAS
from whatchat.observability.metrics import Metrics

DEVICE = QUOTAS["message"].burst
LARGE = {"content": "x" * 9 * 1024}
LARGE_UNITS = 10


class Stopwatch:
    """Says how much of a quota there can have been by now, from its first use on."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._began = time.monotonic()

    def fits(self, units: float, *, factor: int = 1) -> bool:
        """Whether ``units`` are a whole quota, and no more than it gained meanwhile."""
        quota, seconds = self._quota, time.monotonic() - self._began
        least = quota.burst / factor - LARGE_UNITS
        return least <= units <= (quota.burst + quota.rate * seconds) / factor


class Quiet:
    """Implements ``AuditTrail`` for tests that look at limits alone."""

    async def record(self, who: Actor | Visitor | Party, *acts: Act) -> None:
        raise AssertionError("nobody waits for it")

    def mention(self, who: Actor | Visitor | Party, act: Act) -> None:
        """Not looked at."""

    def listen(self, notify: object) -> None:
        raise AssertionError("nobody listens")


class Pods:
    """Two pods' limits, each with a connection of its own."""

    def __init__(self, limiters: Sequence[RedisLimiter]) -> None:
        self.limiters = limiters
        self.limits = [Limits(limiter, Metrics(), Quiet()) for limiter in limiters]


@pytest.fixture
def keys() -> Keys:
    return fresh_keys()


@pytest.fixture
async def pods(server: RedisServer, keys: Keys) -> AsyncIterator[Pods]:
    """Two of them, over one Redis."""
    async with AsyncExitStack() as opened:
        yield Pods(
            [
                RedisLimiter(
                    await opened.enter_async_context(connected(server.url)),
                    keys,
                    EmbeddedLimiter(),
                    Metrics(),
                )
                for _ in range(2)
            ]
        )


def ada(device: str) -> Actor:
    return Actor(
        user_id=UserId("ada"),
        device_id=DeviceId(device),
        grant_id=GrantId(device),
        expires_at=2**40,
        address="192.0.2.1",
    )


async def taken(limits: Limits, caller: Actor, attempts: int) -> int:
    """The units of large messages that were let through, of so many sent at once."""
    answers = await asyncio.gather(
        *(limits.charge("message", caller, LARGE) for _ in range(attempts)),
        return_exceptions=True,
    )
    assert all(answer is None or isinstance(answer, RateLimited) for answer in answers)
    return LARGE_UNITS * answers.count(None)


async def test_many_devices_on_many_pods_are_one_user(pods: Pods) -> None:
    clock = Stopwatch(USER_QUOTAS["message"])
    used = await asyncio.gather(
        *(
            taken(limits, ada(f"device-{number}"), DEVICE // 10)
            for limits in pods.limits
            for number in range(4)
        )
    )
    assert clock.fits(sum(used))


async def test_one_device_on_many_pods_is_one_device(pods: Pods) -> None:
    clock = Stopwatch(QUOTAS["message"])
    used = [await taken(limits, ada("phone"), DEVICE // 10) for limits in pods.limits]
    assert clock.fits(sum(used))


async def test_whoever_is_slowed_down_on_one_pod_is_slow_on_all(pods: Pods) -> None:
    await pods.limiters[0].slow_down("user:ada", factor=10, seconds=60)
    clock = Stopwatch(QUOTAS["message"])
    used = await taken(pods.limits[1], ada("phone"), DEVICE // 10)
    assert clock.fits(used, factor=10)


async def test_while_redis_is_away_each_pod_holds_the_limits_alone(
    pods: Pods, server: RedisServer
) -> None:
    one, other = pods.limits
    await taken(one, ada("phone"), DEVICE // 10)
    server.kill()
    clock = Stopwatch(QUOTAS["message"])
    used = [await taken(limits, ada("phone"), DEVICE // 5) for limits in (one, other)]
    assert all(clock.fits(units) for units in used)
    server.start()
    await until(lambda: _are_back(pods))
    clock = Stopwatch(QUOTAS["message"])
    used = [await taken(limits, ada("tablet"), DEVICE // 10) for limits in pods.limits]
    assert clock.fits(sum(used))


async def _are_back(pods: Pods) -> bool:
    """Redis answers both again: it does not know what each of them remembers."""
    for limiter in pods.limiters:
        await limiter.slow_down("user:probe", factor=2, seconds=60)
        await limiter._fallback.forgive("user:probe")
    return all([await limiter.factor_of("user:probe") == 2 for limiter in pods.limiters])
