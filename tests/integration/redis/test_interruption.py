"""What pods do while Redis is away, or seems to be there."""

import asyncio
from pathlib import Path
from time import monotonic

import pytest

from tests.integration.redis.pods import ADA, OTHER_ROOM, ROOM, Pod, Pods, in_room, to_ada
from tests.integration.redis.proxy import Proxy
from tests.servers.redis_parts import fresh_keys
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.dialing import access
from whatchat.adapters.redis.single import SingleServer
from whatchat.adapters.redis.url import Address, parse
from whatchat.domain.audience import Announcement
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics

BACK_SECONDS = 5.0
DEAF_SECONDS = 6.5


def fail() -> None:
    raise ValueError


async def published(pod: Pod, announcement: Announcement) -> bool:
    try:
        await pod.broker.publish([announcement])
    except Unavailable:
        return False
    return True


async def refused_at_once(pod: Pod, announcement: Announcement) -> bool:
    start = monotonic()
    return not await published(pod, announcement) and monotonic() - start < 0.05


async def test_lost_subscriptions_are_made_again_and_the_pod_is_told(
    server: RedisServer, pods: Pods
) -> None:
    resumed = list[bool]()
    pod, other = await pods.open(server.url), await pods.open(server.url)
    pod.broker.when_resumed(fail)
    pod.broker.when_resumed(lambda: resumed.append(True))
    await pod.broker.subscribe_rooms([ROOM])
    await pod.broker.subscribe_users([ADA])
    assert pod.resumed == 0
    assert server.command("CLIENT", "KILL", "TYPE", "pubsub") == 2
    await until(lambda: pod.resumed == 1, seconds=BACK_SECONDS)
    await other.broker.publish([in_room(1), to_ada(2)])
    await until(lambda: pod.heard == [1, 2])
    assert resumed == [True]
    assert pod.counted("whatchat_redis_reconnects_total", link="subscriptions") == 1
    assert pod.counted("whatchat_redis_reconnects_total", link="commands") == 0
    # Nothing was subscribed on the other pod, so it has missed nothing.
    assert other.resumed == 0


async def test_a_crash_of_redis_delays_and_loses_no_subscription(
    server: RedisServer, pods: Pods
) -> None:
    pod, other = await pods.open(server.url), await pods.open(server.url)
    await pod.broker.subscribe_rooms([ROOM])
    server.kill()
    await until(lambda: refused_at_once(pod, in_room(1)))
    await pod.broker.subscribe_rooms([OTHER_ROOM])
    await pod.broker.unsubscribe_rooms([ROOM])
    await until(lambda: refused_at_once(pod, in_room(2, OTHER_ROOM)))
    # The pod's own listeners hear all the same what they are subscribed to.
    assert pod.heard[-1] == 2
    pod.heard.clear()
    server.start()
    await until(lambda: pod.resumed == 1, seconds=BACK_SECONDS)
    await until(lambda: published(other, in_room(3)), seconds=BACK_SECONDS)
    await until(lambda: published(other, in_room(4, OTHER_ROOM)), seconds=BACK_SECONDS)
    await until(lambda: pod.heard == [4])
    assert await pod.hears()


async def test_a_redis_that_hangs_holds_nobody_up_for_long(server: RedisServer, pods: Pods) -> None:
    pod, other = await pods.open(server.url), await pods.open(server.url)
    await pod.broker.subscribe_rooms([ROOM])
    server.pause()
    start = monotonic()
    publishing = [pod.broker.publish([in_room(1)]) for _ in range(100)]
    assert pod.heard == [1] * 100  # whoever is on this pod waits for nothing
    results = await asyncio.gather(*publishing, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert 1.5 < monotonic() - start < 10
    assert await refused_at_once(pod, in_room(2))
    # Long enough to tell a deaf pod: nobody is, with a Redis that does not answer.
    await asyncio.sleep(DEAF_SECONDS)
    assert await refused_at_once(pod, in_room(3))
    assert await pod.hears()
    server.resume()
    pod.heard.clear()
    await until(lambda: pod.resumed == 1, seconds=BACK_SECONDS)
    await until(lambda: published(other, in_room(4)), seconds=BACK_SECONDS)
    await until(lambda: 4 in pod.heard)


async def test_a_pod_that_no_longer_hears_itself_is_deaf_and_gets_over_it(
    server: RedisServer, pods: Pods
) -> None:
    async with Proxy(server.address) as proxy:
        pod = await pods.open(proxy.url)
        await pod.broker.subscribe_rooms([ROOM])
        await asyncio.sleep(1)
        assert pod.counted("whatchat_broker_canary_age_seconds") < 1
        proxy.muffled = True
        await asyncio.sleep(4.2)
        assert await pod.hears()
        await until(lambda: pod.counted("whatchat_broker_deafness_total") == 1, seconds=2.5)
        assert not await pod.hears()
        assert pod.counted("whatchat_broker_canary_age_seconds") > 4
        # It listens anew at once, but is well only after it has heard itself again and again.
        await until(lambda: pod.resumed == 1, seconds=BACK_SECONDS)
        proxy.muffled = False
        await asyncio.sleep(0.7)
        assert not await pod.hears()
        await until(pod.hears, seconds=BACK_SECONDS)
        other = await pods.open(server.url)
        await other.broker.publish([in_room(1)])
        await until(lambda: pod.heard == [1])


async def test_nothing_is_left_running_when_redis_is_away_at_the_end(
    server: RedisServer, pods: Pods
) -> None:
    before = asyncio.all_tasks()
    pod = await pods.open(server.url)
    await pod.broker.subscribe_rooms([ROOM])
    server.kill()
    await until(lambda: refused_at_once(pod, in_room(1)))
    await pods.close()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("verb", ["subscribe_rooms", "unsubscribe_rooms"])
async def test_changing_subscriptions_never_fails(
    server: RedisServer, pods: Pods, verb: str
) -> None:
    pod = await pods.open(server.url)
    change = getattr(pod.broker, verb)
    server.kill()
    await change([ROOM])
    await until(lambda: refused_at_once(pod, in_room(1)))
    await change([OTHER_ROOM])


async def test_a_pod_that_speaks_to_one_master_and_listens_to_another_leaves_the_first(
    server: RedisServer, tmp_path: Path
) -> None:
    """A failover that only the subscriptions noticed: the old master still takes commands."""
    new, metrics = RedisServer(tmp_path / "new"), Metrics()
    new.start()
    master = server.address

    async def resolve() -> Address:
        return master

    servers = SingleServer(resolve, access(parse(server.url), metrics), metrics)
    await servers.start()
    pod = Pod(RedisBroker(servers, fresh_keys(), metrics, b"secret"), metrics)
    try:
        await pod.broker.start()
        await pod.broker.subscribe_rooms([ROOM])
        master = new.address
        server.command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: pod.resumed == 1, seconds=BACK_SECONDS)
        assert is_client_of(server)
        await until(lambda: not is_client_of(server), seconds=DEAF_SECONDS + BACK_SECONDS)
        await until(lambda: is_client_of(new), seconds=BACK_SECONDS)
        await until(pod.hears, seconds=BACK_SECONDS)
        assert pod.counted("whatchat_redis_reconnects_total", link="commands") == 1
    finally:
        await pod.broker.close()
        await servers.close()
        new.stop()


def is_client_of(server: RedisServer) -> bool:
    """Whether a pod sends commands there."""
    return b"name=whatchat" in server.command("CLIENT", "LIST", "TYPE", "normal")
