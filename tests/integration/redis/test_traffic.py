"""How much a pod says to Redis, and what it hears."""

import asyncio
import re

import pytest

from tests.integration.redis.pods import ROOM, Pods, in_room
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, UserId

ROOMS = [RoomId(f"room-{number}") for number in range(2_500)]
CANARY_READS = 8


def fact(server: RedisServer, section: str, name: str) -> int:
    """A number out of INFO; 0 if it is not there."""
    info = server.command("INFO", section).decode()
    found = re.search(rf"^{name}[:=](\d+)|^{name}:calls=(\d+)", info, re.MULTILINE)
    return int(found[1] or found[2]) if found else 0


async def test_what_one_turn_of_the_loop_publishes_is_one_round_trip(
    server: RedisServer, pods: Pods
) -> None:
    pod = await pods.open(server.url)
    before = fact(server, "stats", "total_reads_processed")
    await asyncio.gather(*(pod.broker.publish([in_room(rev)]) for rev in range(1, 301)))
    reads = fact(server, "stats", "total_reads_processed") - before
    assert fact(server, "commandstats", "cmdstat_publish") >= 300
    # What is asked here, the canary, and 300 envelopes in buffers of 16 KiB.
    assert reads <= CANARY_READS


async def test_publishers_do_not_mix_up_the_order_of_their_rooms(
    server: RedisServer, pods: Pods
) -> None:
    pod, *publishers = [await pods.open(server.url) for _ in range(4)]
    await pod.broker.subscribe_rooms([ROOM])

    async def publish(number: int) -> None:
        for batch in range(10):
            first = number * 1_000 + batch * 20
            await publishers[number].broker.publish([in_room(first + i) for i in range(20)])

    await asyncio.gather(*(publish(number) for number in range(3)))
    await until(lambda: len(pod.heard) == 600)
    for number in range(3):
        heard = [rev for rev in pod.heard if rev // 1_000 == number]
        assert heard == sorted(heard)


async def test_rooms_are_subscribed_a_thousand_at_a_time(server: RedisServer, pods: Pods) -> None:
    pod, other = await pods.open(server.url), await pods.open(server.url)
    of_canaries = fact(server, "commandstats", "cmdstat_subscribe")
    await pod.broker.subscribe_rooms(ROOMS)
    await pod.broker.subscribe_users([UserId("ada")])
    assert fact(server, "commandstats", "cmdstat_subscribe") == of_canaries + 3 + 1
    assert fact(server, "stats", "pubsub_channels") == len(ROOMS) + 1 + 2
    await other.broker.publish([in_room(1, room_id) for room_id in ROOMS])
    await until(lambda: len(pod.heard) == len(ROOMS))
    server.command("CLIENT", "KILL", "TYPE", "pubsub")
    await until(lambda: pod.resumed == 1)
    await until(lambda: fact(server, "stats", "pubsub_channels") == len(ROOMS) + 1 + 2)
    assert fact(server, "commandstats", "cmdstat_subscribe") == of_canaries * 2 + 4 + 3
    await pod.broker.unsubscribe_rooms(ROOMS)
    assert fact(server, "stats", "pubsub_channels") == 1 + 2


async def test_a_pod_hears_only_what_it_has_subscribed_to(server: RedisServer, pods: Pods) -> None:
    idle, busy, other = [await pods.open(server.url) for _ in range(3)]
    await idle.broker.subscribe_rooms([ROOMS[0]])
    await busy.broker.subscribe_rooms(ROOMS[1:11])
    for rev in range(1, 51):
        await other.broker.publish([in_room(rev, room_id) for room_id in ROOMS[1:11]])
    await until(lambda: len(busy.heard) == 500)
    assert idle.heard == []
    numbers = server.command("PUBSUB", "NUMSUB", *map(pods.keys.room_channel, ROOMS[:12]))
    assert numbers[1::2] == [1] * 11 + [0]


async def test_what_cannot_be_read_is_counted_and_the_rest_is_heard(
    server: RedisServer, pods: Pods
) -> None:
    pod, other = await pods.open(server.url), await pods.open(server.url)
    await pod.broker.subscribe_rooms([ROOM])
    for noise in (b"", b"noise", b"\x01noise", b"\xff" * 20):
        server.command("PUBLISH", pods.keys.room_channel(ROOM), noise)
    await other.broker.publish([in_room(1)])
    await until(lambda: pod.heard == [1])
    assert pod.counted("whatchat_broker_bad_envelopes_total") == 4


async def test_what_a_pod_says_and_hears_is_counted(server: RedisServer, pods: Pods) -> None:
    pod, other = await pods.open(server.url), await pods.open(server.url)
    await pod.broker.subscribe_rooms(ROOMS[:7])
    await pod.broker.unsubscribe_rooms(ROOMS[5:7])
    assert pod.counted("whatchat_broker_channels") == 5
    await other.broker.publish([in_room(rev, ROOMS[0]) for rev in range(1, 4)])
    await until(lambda: len(pod.heard) == 3)
    assert pod.counted("whatchat_broker_received_total") == 3
    assert other.counted("whatchat_broker_published_total") == 3
    await pod.broker.publish([in_room(4, ROOMS[0])])
    await until(lambda: len(pod.heard) == 4)
    assert pod.counted("whatchat_broker_received_total") == 3
    assert pod.counted("whatchat_redis_seconds_count") >= 1


async def test_what_finds_redis_away_has_failed(server: RedisServer, pods: Pods) -> None:
    pod = await pods.open(server.url)
    server.stop()
    await until(lambda: pod.counted("whatchat_redis_failures_total") >= 1)
    before = pod.counted("whatchat_redis_failures_total")
    with pytest.raises(Unavailable):
        await pod.broker.publish([in_room(1)])
    assert pod.counted("whatchat_redis_failures_total") > before
    assert pod.counted("whatchat_redis_waiting") == 0


async def test_each_announcement_that_the_broker_does_not_take_is_counted_once(
    server: RedisServer, pods: Pods
) -> None:
    pod = await pods.open(server.url)
    await pod.broker.publish([in_room(1)])
    assert pod.counted("whatchat_broker_publish_failures_total") == 0
    under_way = pod.broker.publish([in_room(rev) for rev in range(2, 5)])
    server.stop()
    with pytest.raises(Unavailable):
        await under_way
    assert pod.counted("whatchat_broker_publish_failures_total") == 3
    with pytest.raises(Unavailable):
        await pod.broker.publish([in_room(5), in_room(6)])
    assert pod.counted("whatchat_broker_publish_failures_total") == 5
    assert pod.counted("whatchat_broker_published_total") == 6
