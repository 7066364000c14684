"""The session registry that pods share."""

import asyncio

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import DeviceId, SessionId, UserId
from whatchat.domain.ports.session_registry import Session
from whatchat.domain.times import utc_now

ADA = UserId("ada")


def session(name: str, pod: str) -> Session:
    return Session(
        session_id=SessionId(name),
        user_id=ADA,
        device_id=DeviceId("phone"),
        pod=pod,
        since=utc_now(),
    )


async def test_pods_find_each_others_sessions_also_of_one_that_died(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as one, connected(server.url) as two:
        here, there = RedisSessionRegistry(one, keys), RedisSessionRegistry(two, keys)
        await here.open(session("a", "here"), lease_seconds=60)
        await there.open(session("b", "there"), lease_seconds=1)
        for registry in (here, there):
            found = await registry.of_user(ADA)
            assert {(each.session_id, each.pod) for each in found} == {
                ("a", "here"),
                ("b", "there"),
            }
        await asyncio.sleep(1.2)  # and nobody renews for the pod that is gone
        assert [each.session_id for each in await here.of_user(ADA)] == ["a"]
        assert server.command("SMEMBERS", keys.sessions(ADA)) == [b"a"]


async def test_every_key_expires(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        registry = RedisSessionRegistry(servers, keys)
        await registry.open(session("a", "pod"), lease_seconds=60)
        await registry.renew([SessionId("a")], lease_seconds=60)
        await registry.open(session("b", "pod"), lease_seconds=60)
        for _ in range(2):
            names = server.command("KEYS", "*")
            assert all(server.command("TTL", name) > 0 for name in names), names
            changes = await registry.presence.changes(limit=100, claim_seconds=1)
            await registry.presence.told(changes)
        assert len(names) == 5  # both sessions, their index, when they end, and who is shown
        for name in ("a", "b"):
            await registry.close(SessionId(name))
        names = server.command("KEYS", "*")
        assert len(names) == 3  # when it ends, who is shown, and when who went was seen
        assert all(server.command("TTL", name) > 0 for name in names)


async def test_a_redis_that_forgot_everything_is_noticed(server: RedisServer) -> None:
    async with connected(server.url) as servers:
        registry = RedisSessionRegistry(servers, fresh_keys())
        sessions = [session(f"s-{number}", "pod") for number in range(500)]
        for each in sessions:
            await registry.open(each, lease_seconds=60)
        ids = [each.session_id for each in sessions]
        assert await registry.renew(ids, lease_seconds=60) == []
        server.command("FLUSHALL")
        assert await registry.renew(ids, lease_seconds=60) == ids
        for each in sessions:
            await registry.open(each, lease_seconds=60)
        assert len(await registry.of_user(ADA)) == 500


async def test_many_ended_sessions_are_cleared_away(server: RedisServer) -> None:
    keys = fresh_keys()
    server.command("SADD", keys.sessions(ADA), *[f"ended-{number}" for number in range(20_000)])
    async with connected(server.url) as servers:
        registry = RedisSessionRegistry(servers, keys)
        await registry.open(session("a", "pod"), lease_seconds=60)
        assert len(await registry.of_user(ADA)) == 1
        assert server.command("SCARD", keys.sessions(ADA)) == 1


async def test_who_could_not_be_entered_is_forgotten(server: RedisServer) -> None:
    keys = fresh_keys()
    async with connected(server.url) as servers:
        registry = RedisSessionRegistry(servers, keys)
        await registry.open(session("a", "pod"), lease_seconds=60)
        server.command("CONFIG", "SET", "maxmemory", 1)
        for number in range(20):
            with pytest.raises(Unavailable):
                await registry.open(session(f"refused-{number}", "pod"), lease_seconds=60)
        assert set(registry._users) == {"a"}
        server.command("CONFIG", "SET", "maxmemory", 0)
        refused = [SessionId("a"), SessionId("refused-0")]
        assert await registry.renew(refused, lease_seconds=60) == ["refused-0"]
