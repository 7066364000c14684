"""Limits that pods share: neither many devices nor many pods are a way around them."""

import asyncio
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
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.quotas import QUOTAS, USER_QUOTAS
from whatchat.observability.metrics import Metrics

DEVICE = QUOTAS["message"].burst
USER = USER_QUOTAS["message"].burst
LARGE = {"content": "x" * 9 * 1024}
"""Ten units."""

SLACK = 60
"""Units that a quota gains while a test runs, generously."""


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
    return 10 * answers.count(None)


async def test_many_devices_on_many_pods_are_one_user(pods: Pods) -> None:
    used = await asyncio.gather(
        *(
            taken(limits, ada(f"device-{number}"), DEVICE // 10)
            for limits in pods.limits
            for number in range(4)
        )
    )
    assert USER <= sum(used) <= USER + SLACK


async def test_one_device_on_many_pods_is_one_device(pods: Pods) -> None:
    used = [await taken(limits, ada("phone"), DEVICE // 10) for limits in pods.limits]
    assert DEVICE <= sum(used) <= DEVICE + SLACK


async def test_whoever_is_slowed_down_on_one_pod_is_slow_on_all(pods: Pods) -> None:
    await pods.limiters[0].slow_down("user:ada", factor=10, seconds=60)
    used = await taken(pods.limits[1], ada("phone"), DEVICE // 10)
    assert DEVICE // 10 <= used <= DEVICE // 10 + SLACK


async def test_while_redis_is_away_each_pod_holds_the_limits_alone(
    pods: Pods, server: RedisServer
) -> None:
    one, other = pods.limits
    await taken(one, ada("phone"), DEVICE // 10)
    server.kill()
    used = [await taken(limits, ada("phone"), DEVICE // 5) for limits in (one, other)]
    assert all(DEVICE <= units <= DEVICE + SLACK for units in used)
    server.start()
    await until(lambda: _are_back(pods))
    used = [await taken(limits, ada("tablet"), DEVICE // 10) for limits in pods.limits]
    assert DEVICE <= sum(used) <= DEVICE + SLACK


async def _are_back(pods: Pods) -> bool:
    """Redis answers both again: it does not know what each of them remembers."""
    for limiter in pods.limiters:
        await limiter.slow_down("user:probe", factor=2, seconds=60)
        await limiter._fallback.forgive("user:probe")
    return all([await limiter.factor_of("user:probe") == 2 for limiter in pods.limiters])
