"""What every session registry guarantees."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.domain.ids import DeviceId, SessionId, UserId
from whatchat.domain.ports.session_registry import Session, SessionRegistry
from whatchat.domain.times import utc_now

ADA, BOB = UserId("ada"), UserId("bob")


@pytest.fixture(params=["in-process", "redis"])
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[SessionRegistry]:
    """An empty registry of each kind."""
    if request.param == "in-process":
        yield InProcessSessionRegistry()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with connected(server.url) as servers:
        yield RedisSessionRegistry(servers, fresh_keys())


def session(name: str, user_id: UserId = ADA, pod: str = "pod") -> Session:
    return Session(
        session_id=SessionId(name),
        user_id=user_id,
        device_id=DeviceId(f"{name}-device"),
        pod=pod,
        since=utc_now(),
    )


async def names(registry: SessionRegistry, user_id: UserId = ADA) -> set[str]:
    return {one.session_id for one in await registry.of_user(user_id)}


async def test_open_sessions_are_found_by_their_user(registry: SessionRegistry) -> None:
    phone, desk = session("phone"), session("desk", pod="another")
    for one in (phone, desk, session("bobs", BOB)):
        await registry.open(one, lease_seconds=60)
    assert sorted(await registry.of_user(ADA), key=lambda one: one.session_id) == [desk, phone]
    assert await names(registry, BOB) == {"bobs"}
    assert await names(registry, UserId("nobody")) == set()


async def test_a_closed_session_is_gone(registry: SessionRegistry) -> None:
    await registry.open(session("phone"), lease_seconds=60)
    await registry.open(session("desk"), lease_seconds=60)
    await registry.close(SessionId("phone"))
    await registry.close(SessionId("phone"))
    await registry.close(SessionId("unknown"))
    assert await names(registry) == {"desk"}


async def test_opening_again_replaces(registry: SessionRegistry) -> None:
    await registry.open(session("phone"), lease_seconds=60)
    again = session("phone", pod="another")
    await registry.open(again, lease_seconds=60)
    assert await registry.of_user(ADA) == [again]


async def test_a_lease_that_is_not_renewed_ends(registry: SessionRegistry) -> None:
    await registry.open(session("ends"), lease_seconds=1)
    await registry.open(session("renewed"), lease_seconds=1)
    await registry.open(session("long"), lease_seconds=60)
    unknown = await registry.renew([SessionId("renewed"), SessionId("unknown")], lease_seconds=60)
    assert unknown == ["unknown"]
    assert await names(registry) == {"ends", "renewed", "long"}
    await asyncio.sleep(1.2)
    assert await names(registry) == {"renewed", "long"}


async def test_a_lease_that_has_ended_is_not_revived(registry: SessionRegistry) -> None:
    await registry.open(session("ended"), lease_seconds=1)
    await asyncio.sleep(1.2)
    assert await registry.renew([SessionId("ended")], lease_seconds=60) == ["ended"]
    assert await names(registry) == set()
    await registry.open(session("ended"), lease_seconds=60)
    assert await names(registry) == {"ended"}
