"""What every registry of pods must do."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.pod_registry import InProcessPodRegistry
from whatchat.adapters.redis.pod_registry import RedisPodRegistry
from whatchat.domain.ports.pod_registry import MAX_KNOWN, PodRegistry
from whatchat.observability.metrics import Metrics

KNOWN_SECONDS = 0.4


@pytest.fixture(params=["in-process", "redis"])
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[PodRegistry]:
    """A registry of each kind that forgets soon."""
    if request.param == "in-process":
        yield InProcessPodRegistry(known_seconds=KNOWN_SECONDS)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with connected(server.url, Metrics()) as servers:
        yield RedisPodRegistry(servers, fresh_keys(), known_seconds=KNOWN_SECONDS)


async def test_nobody_is_known_at_first(registry: PodRegistry) -> None:
    assert list(await registry.all()) == []


async def test_the_latest_note_of_each_pod_is_kept_by_name(registry: PodRegistry) -> None:
    await registry.tell("b", b"\x00\xff")
    await registry.tell("a", b"old")
    await registry.tell("a", b"new")
    told = await registry.all()
    assert [(one.pod, one.note) for one in told] == [("a", b"new"), ("b", b"\x00\xff")]
    assert all(0 <= one.silent_ms < KNOWN_SECONDS * 1000 for one in told)


async def test_how_long_a_pod_is_silent_is_told(registry: PodRegistry) -> None:
    await registry.tell("a", b"note")
    await asyncio.sleep(0.15)
    (told,) = await registry.all()
    assert 140 <= told.silent_ms < KNOWN_SECONDS * 1000


async def test_who_tells_no_more_is_forgotten_alone(registry: PodRegistry) -> None:
    await registry.tell("gone", b"note")
    await asyncio.sleep(KNOWN_SECONDS / 2)
    await registry.tell("here", b"note")
    await asyncio.sleep(KNOWN_SECONDS / 2 + 0.05)
    assert [one.pod for one in await registry.all()] == ["here"]
    await registry.tell("here", b"note")
    assert [one.pod for one in await registry.all()] == ["here"]


async def test_who_leaves_is_forgotten_at_once(registry: PodRegistry) -> None:
    await registry.tell("a", b"note")
    await registry.tell("b", b"note")
    await registry.leave("a")
    await registry.leave("never there")
    assert [one.pod for one in await registry.all()] == ["b"]


async def test_of_too_many_the_latest_are_told_of(registry: PodRegistry) -> None:
    for number in range(MAX_KNOWN + 3):
        await registry.tell(f"pod-{number:04}", b"note")
    known = {one.pod for one in await registry.all()}
    assert len(known) == MAX_KNOWN
    assert f"pod-{MAX_KNOWN + 2:04}" in known
