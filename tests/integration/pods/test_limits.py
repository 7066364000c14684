"""Whole pods hold limits together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import monotonic

import pytest

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import PASSWORD, Ear
from tests.servers.redis_server import RedisServer
from whatchat.client import auth
from whatchat.client.http import Http
from whatchat.domain.ids import random_id
from whatchat.entrypoints.quotas import QUOTAS, USER_QUOTAS, weight

DEVICE, USER = QUOTAS["message"], USER_QUOTAS["message"]

NONSENSE = {"content": "x" * 60 * 1024}
"""Is charged as sense is, and soon refused."""

UNITS = weight(NONSENSE)
ENOUGH = DEVICE.burst // UNITS + 10


@pytest.fixture
async def cluster(mongo_url: str, redis: RedisServer) -> AsyncIterator[Cluster]:
    """Opens pods that hold limits."""
    async with Cluster(mongo_url, redis.url, rate_limits="on") as cluster:
        yield cluster


async def taken(ear: Ear) -> int:
    """The units that a device is let through with, of more than it may have."""
    answers = await asyncio.gather(*(ear.ask("message:send", NONSENSE) for _ in range(ENOUGH)))
    codes = [answer["error"]["code"] for answer in answers]
    assert set(codes) <= {"invalid", "rate_limited"}
    return UNITS * codes.count("invalid")


async def test_a_user_has_one_quota_on_all_pods_and_who_goes_on_is_closed_on_one(
    cluster: Cluster,
) -> None:
    here, there = await cluster.nodes(2)
    async with Http(here.url) as http, AsyncExitStack() as open_sockets:
        phone = await auth.register(http, f"ada.{random_id()[:12].lower()}", PASSWORD)
        tablet, laptop = [await auth.login(http, phone.user.username, PASSWORD) for _ in range(2)]
        ears = [
            await open_sockets.enter_async_context(Ear.at(node, device.access_token))
            for node, device in ((here, phone), (there, tablet), (there, laptop))
        ]
        began = monotonic()
        units = [await taken(ear) for ear in ears]
        seconds = monotonic() - began
        assert all(one >= DEVICE.burst - UNITS for one in units[:2])
        assert sum(units) <= USER.burst + USER.rate * seconds

        flooding, *others = ears
        while "session:closing" not in flooding.names():
            await flooding.tell("message:send", NONSENSE)
            await asyncio.sleep(0)  # as the client's own queue never waits
        (closing,) = [heard.data for heard in flooding.heard if heard.name == "session:closing"]
        assert closing == {"code": 4429, "resume": True}
        for ear in others:
            assert "session:closing" not in ear.names()
            assert (await ear.ask("presence:get", {"userIds": [phone.user.id]}))["ok"]
