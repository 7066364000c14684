"""What every registry knows of who is online."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.ports.test_session_registry import session
from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_parts import connected, fresh_keys
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.ports.presence_registry import StandingChange
from whatchat.domain.ports.session_registry import SessionRegistry
from whatchat.domain.times import utc_now

ADA, BOB = UserId("ada"), UserId("bob")
GRACE_SECONDS = 0.6
LEASE_SECONDS = 1
CLAIM_SECONDS = 1
CROWD = [UserId(f"user-{number}") for number in range(1_200)]


@dataclass
class Pod:
    """One pod's registry, and how often it was said to have news."""

    registry: SessionRegistry
    news: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.registry.presence.when_changed(lambda: self.news.append(None))

    async def open(self, name: str, user_id: UserId = ADA, *, lease_seconds: int = 60) -> None:
        await self.registry.open(session(name, user_id), lease_seconds=lease_seconds)

    async def close(self, name: str) -> None:
        await self.registry.close(SessionId(name))

    async def claim(self) -> list[StandingChange]:
        presence = self.registry.presence
        return list(await presence.changes(limit=100_000, claim_seconds=CLAIM_SECONDS))

    async def tell(self) -> list[tuple[UserId, bool]]:
        """Claim, and tell at once."""
        changes = await self.claim()
        await self.registry.presence.told(changes)
        return sorted((one.user_id, one.standing.online) for one in changes)

    async def online(self, user_id: UserId = ADA) -> bool:
        return (await self.registry.presence.standings([user_id]))[user_id].online


@pytest.fixture(scope="module")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three masters."""
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(params=["in-process", "redis", "redis-cluster"])
async def new_pod(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[], Pod]]:
    """Makes pods that share a registry of each kind."""
    if request.param == "in-process":
        shared = InProcessSessionRegistry(grace_seconds=GRACE_SECONDS)
        yield lambda: Pod(shared)
        return
    fixture = "redis_server" if request.param == "redis" else "redis_cluster"
    url, keys = request.getfixturevalue(fixture).url, fresh_keys()
    async with AsyncExitStack() as opened:
        links = [await opened.enter_async_context(connected(url)) for _ in range(2)]
        yield lambda: Pod(RedisSessionRegistry(links.pop(), keys, grace_seconds=GRACE_SECONDS))


@pytest.fixture
def pod(new_pod: Callable[[], Pod]) -> Pod:
    return new_pod()


@pytest.fixture
def other(new_pod: Callable[[], Pod], pod: Pod) -> Pod:
    return new_pod()


async def test_who_comes_is_news_once_on_whichever_pod_looks_first(pod: Pod, other: Pod) -> None:
    assert not await pod.online()
    await pod.open("phone")
    assert pod.news == [None]
    assert await pod.online()
    assert await other.tell() == [(ADA, True)]
    assert (await pod.tell(), await other.tell()) == ([], [])


async def test_several_devices_on_several_pods_count_once(pod: Pod, other: Pod) -> None:
    await pod.open("phone")
    assert await pod.tell() == [(ADA, True)]
    await other.open("desk")
    await pod.close("phone")
    await asyncio.sleep(GRACE_SECONDS + 0.1)
    assert await other.tell() == []
    assert await pod.online()
    before = utc_now()
    await other.close("desk")
    await asyncio.sleep(GRACE_SECONDS + 0.1)
    (change,) = await pod.claim()
    assert (change.user_id, change.standing.online) == (ADA, False)
    assert change.standing.last_seen is not None
    assert abs(change.standing.last_seen - before) < timedelta(seconds=0.4)
    await pod.registry.presence.told([change])
    assert not await other.online()
    assert (await pod.tell(), await other.tell()) == ([], [])


async def test_who_is_back_within_the_grace_was_never_away(pod: Pod, other: Pod) -> None:
    await pod.open("phone")
    await pod.tell()
    for name in ("phone-2", "phone-3"):
        await pod.close("phone")
        assert await other.online()
        await other.open(name)
        await asyncio.sleep(GRACE_SECONDS + 0.1)
        assert (await pod.tell(), await other.tell()) == ([], [])
    assert await pod.online()


async def test_the_users_of_a_pod_that_died_go_when_their_leases_end(pod: Pod, other: Pod) -> None:
    await other.open("phone", lease_seconds=LEASE_SECONDS)
    await other.open("bobs", BOB, lease_seconds=LEASE_SECONDS)
    await pod.open("desk", BOB)
    assert await pod.tell() == [(ADA, True), (BOB, True)]
    await asyncio.sleep(LEASE_SECONDS / 2)
    assert (await pod.tell(), await pod.online()) == ([], True)
    await asyncio.sleep(LEASE_SECONDS / 2 + 0.1)
    told = await asyncio.gather(*(pod.tell() for _ in range(5)))
    assert sorted(told, key=len) == [[], [], [], [], [(ADA, False)]]
    assert (await pod.online(ADA), await pod.online(BOB)) == (False, True)


async def test_a_lease_that_is_renewed_holds(pod: Pod) -> None:
    await pod.open("phone", lease_seconds=LEASE_SECONDS)
    await pod.tell()
    for _ in range(3):
        await asyncio.sleep(LEASE_SECONDS / 2)
        unknown = await pod.registry.renew([SessionId("phone")], lease_seconds=LEASE_SECONDS)
        assert (unknown, await pod.tell()) == ([], [])


async def test_what_a_pod_claimed_and_did_not_tell_is_told_by_another(pod: Pod, other: Pod) -> None:
    await pod.open("phone")
    (claimed,) = await pod.claim()
    assert claimed.standing.online
    assert await other.tell() == []
    await asyncio.sleep(CLAIM_SECONDS + 0.1)
    assert await other.tell() == [(ADA, True)]


async def test_who_comes_back_while_the_going_is_told_is_news_behind_it(
    pod: Pod, other: Pod
) -> None:
    await pod.open("phone", lease_seconds=LEASE_SECONDS)
    await pod.tell()
    await asyncio.sleep(LEASE_SECONDS + 0.1)
    going = await pod.claim()
    assert [one.standing.online for one in going] == [False]
    heard = len(other.news)
    await other.open("desk")
    assert len(other.news) == heard  # whoever tells of the going finds out
    assert await other.tell() == []
    await pod.registry.presence.told(going)
    assert await other.tell() == [(ADA, True)]
    assert await pod.tell() == []


async def test_who_came_and_went_untold_is_no_news(pod: Pod) -> None:
    await pod.open("phone", lease_seconds=LEASE_SECONDS)
    await asyncio.sleep(LEASE_SECONDS + 0.1)
    assert await pod.tell() == []
    assert not await pod.online()
    await pod.open("phone")
    assert await pod.tell() == [(ADA, True)]


async def test_closing_twice_or_after_the_end_changes_nothing(pod: Pod) -> None:
    await pod.open("phone", lease_seconds=LEASE_SECONDS)
    await pod.tell()
    await asyncio.sleep(LEASE_SECONDS + 0.1)
    await pod.close("phone")
    await pod.close("phone")
    assert await pod.tell() == [(ADA, False)]
    assert not await pod.online()


async def test_a_device_whose_pod_died_does_not_keep_the_last_one_that_closes(
    pod: Pod, other: Pod
) -> None:
    await pod.open("dead", lease_seconds=LEASE_SECONDS)
    await other.open("desk")
    await pod.tell()
    await other.close("desk")
    assert await pod.tell() == []
    await asyncio.sleep(LEASE_SECONDS + 0.1)
    assert await pod.tell() == [(ADA, False)]


async def test_everybody_is_asked_about_at_once(pod: Pod) -> None:
    for user_id in CROWD[:600]:
        await pod.open(f"of-{user_id}", user_id)
    standings = await pod.registry.presence.standings(CROWD)
    assert [standings[user_id].online for user_id in CROWD] == [True] * 600 + [False] * 600
    assert set(await pod.registry.presence.some_online(10_000)) == set(CROWD[:600])
    assert len(await pod.registry.presence.some_online(64)) in range(32, 65)
    assert await pod.registry.presence.standings([]) == {}


async def test_changes_come_a_few_at_a_time(pod: Pod, other: Pod) -> None:
    for user_id in CROWD[:200]:
        await pod.open(f"of-{user_id}", user_id)
    told: list[UserId] = []
    for turn in range(50):
        presence = (pod, other)[turn % 2].registry.presence
        changes = await presence.changes(limit=32, claim_seconds=CLAIM_SECONDS)
        assert len(changes) <= 32
        told += [one.user_id for one in changes]
        await presence.told(changes)
    assert sorted(told) == sorted(CROWD[:200])
