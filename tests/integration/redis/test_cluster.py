"""Redis Cluster."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.integration.redis.pods import ADA, Pod, Pods, in_room, to_ada
from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_parts import connected, fresh_keys
from tests.waiting import until
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.adapters.redis.slots import slot_of
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import DeviceId, Rev, RoomId, SessionId
from whatchat.domain.ports.limiter import Charge, Quota
from whatchat.domain.ports.session_registry import Session
from whatchat.domain.ports.work_queue import Job
from whatchat.domain.times import utc_now
from whatchat.observability.metrics import Metrics

ROOMS = [RoomId(f"room-{number}") for number in range(1_200)]
SHARE = 5_462


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three masters."""
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


async def test_slots_are_computed_as_servers_do(cluster: RedisCluster) -> None:
    for key in (b"", b"a", b"whatchat:0:sessions:{ada}", b"{}a", b"a{b", b"\xff" * 30):
        assert cluster.servers[0].command("CLUSTER", "KEYSLOT", key) == slot_of(key)


async def test_pods_hear_each_other_over_all_masters(cluster: RedisCluster, pods: Pods) -> None:
    pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
    await pod.broker.subscribe_rooms(ROOMS)
    await pod.broker.subscribe_users([ADA])
    for server in cluster.servers:
        # The canaries of both pods, and a fair share of the rooms.
        assert len(server.command("PUBSUB", "SHARDCHANNELS")) > len(ROOMS) / 4
    await other.broker.publish([in_room(rev, room) for rev, room in enumerate(ROOMS)])
    await other.broker.publish([to_ada(9_999)])
    await until(lambda: len(pod.heard) == len(ROOMS) + 1)
    assert sorted(pod.heard) == [*range(len(ROOMS)), 9_999]
    await pod.broker.unsubscribe_rooms(ROOMS)
    await other.broker.publish([in_room(1, ROOMS[0]), to_ada(10_000)])
    await until(lambda: pod.heard[-1] == 10_000)
    assert pod.resumed == 0


async def test_one_order_per_room(cluster: RedisCluster, pods: Pods) -> None:
    pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
    await pod.broker.subscribe_rooms(ROOMS[:3])
    batch = [in_room(rev * 10 + room, ROOMS[room]) for rev in range(300) for room in range(3)]
    await other.broker.publish(batch)
    await until(lambda: len(pod.heard) == len(batch))
    for room in range(3):
        heard = [rev for rev in pod.heard if rev % 10 == room]
        assert heard == sorted(heard)


async def test_the_other_adapters_work_on_a_cluster(cluster: RedisCluster) -> None:
    keys = fresh_keys()
    async with connected(cluster.url) as servers:
        limiter = RedisLimiter(servers, keys, EmbeddedLimiter(), Metrics())
        charges = [Charge(key=f"key-{n}", quota=Quota(rate=0.1, burst=2)) for n in range(20)]
        assert await limiter.charge(charges) == 0
        assert await limiter.charge(charges[7:8]) == 0
        assert 9_000 < await limiter.charge(charges) <= 10_000
        # What the others were charged then, they were given back.
        others = [charge for charge in charges if charge is not charges[7]]
        assert await limiter.charge(others) == 0
        # Nor does anything give back while others do not fit.
        back = [replace(charge, cost=-1) for charge in others]
        assert await limiter.charge([charges[7], *back]) > 0
        assert await limiter.charge(others[:1]) > 0
        assert await limiter.charge(back) == 0
        assert await limiter.charge(others) == 0
        await limiter.slow_down("user:ada", factor=2, seconds=60)
        mine = [
            Charge(key=f"key-{n}", quota=Quota(rate=0.1, burst=3), owner="user:ada")
            for n in range(20)
        ]
        assert await limiter.charge(mine) == 0
        assert 9_000 < await limiter.charge(mine) <= 10_000
        await limiter.forgive("user:ada")
        assert await limiter.charge(mine) == 0
        registry = RedisSessionRegistry(servers, keys)
        sessions = [
            Session(
                session_id=SessionId(f"s-{number}"),
                user_id=ADA,
                device_id=DeviceId("phone"),
                pod="pod",
                since=utc_now(),
            )
            for number in range(5)
        ]
        for each in sessions:
            await registry.open(each, lease_seconds=60)
        assert len(await registry.of_user(ADA)) == 5
        assert await registry.renew([each.session_id for each in sessions], lease_seconds=60) == []
        queue = RedisWorkQueue(servers, keys, "log", ["push", "audit"], Metrics())
        job = Job(
            room_id=ROOMS[0],
            rev=Rev(1),
            kind="posted",
            pod="pod",
            stored_at=utc_now(),
            position=b"at-1",
        )
        assert await queue.add([job], after=None)
        assert [one.job for one in await queue.take("audit", "worker", limit=9)] == [job]


async def test_a_slot_that_moves_takes_its_rooms_along(cluster: RedisCluster, pods: Pods) -> None:
    pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
    source, target = cluster.servers[:2]
    room = next(room for room in ROOMS if slot_of(pods.keys.room_channel(room)) < SHARE)
    await pod.broker.subscribe_rooms([room])
    slot = slot_of(pods.keys.room_channel(room))
    cluster.move_slot(slot, source, target)
    try:
        # The publisher is sent on at once; the listener learns it from the server it left.
        await other.broker.publish([in_room(1, room)])
        await until(lambda: pod.resumed > 0)

        async def heard() -> bool:
            await other.broker.publish([in_room(2, room)])
            return 2 in pod.heard

        await until(heard)
        assert await pod.hears()
    finally:
        cluster.move_slot(slot, target, source)


async def test_a_master_that_is_away_takes_only_its_rooms_along(
    cluster: RedisCluster, pods: Pods
) -> None:
    pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
    lost = next(room for room in ROOMS if slot_of(pods.keys.room_channel(room)) >= 2 * SHARE)
    kept = next(room for room in ROOMS if slot_of(pods.keys.room_channel(room)) < SHARE)
    await pod.broker.subscribe_rooms([lost, kept])
    cluster.servers[2].pause()
    try:
        with pytest.raises(Unavailable):
            await other.broker.publish([in_room(1, lost)])
        await other.broker.publish([in_room(2, kept)])
        await until(lambda: pod.heard == [2])
        assert await pod.hears()
    finally:
        cluster.servers[2].resume()

    async def heard() -> bool:
        try:
            await other.broker.publish([in_room(3, lost)])
        except Unavailable:
            return False
        return 3 in pod.heard

    await until(heard, seconds=10)


async def test_one_master_that_is_away_keeps_no_pod_from_starting(
    cluster: RedisCluster, pods: Pods
) -> None:
    lost = next(room for room in ROOMS if slot_of(pods.keys.room_channel(room)) >= 2 * SHARE)
    kept = next(room for room in ROOMS if slot_of(pods.keys.room_channel(room)) < SHARE)
    cluster.servers[2].pause()
    try:
        pod = await pods.open(cluster.url)
        await pod.broker.subscribe_rooms([lost, kept])
        await pod.broker.publish([in_room(1, kept)])
        assert pod.heard == [1]
    finally:
        cluster.servers[2].resume()
    await until(lambda: pod.resumed > 0)


async def test_pods_go_on_where_a_replica_takes_over(tmp_path: Path, pods: Pods) -> None:
    cluster = RedisCluster(tmp_path, with_replica=True)
    try:
        cluster.start()
        pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
        room = next(room for room in ROOMS if slot_of(pods.keys.room_channel(room)) >= 2 * SHARE)
        await pod.broker.subscribe_rooms([room])
        cluster.servers[2].kill()

        async def heard() -> bool:
            try:
                await other.broker.publish([in_room(1, room)])
            except Unavailable:
                return False
            return 1 in pod.heard

        await until(heard, seconds=20)
        assert pod.resumed > 0
        assert await pod.hears()
    finally:
        cluster.stop()


async def test_what_is_wanted_while_channels_are_shared_out_anew_is_kept(
    cluster: RedisCluster, pods: Pods
) -> None:
    pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
    # Whoever learns of a move goes through the servers in the order of their addresses.
    first, second, third = sorted(range(3), key=lambda number: cluster.servers[number].port)
    source, target = cluster.servers[second], cluster.servers[first]
    moved, *_ = rooms_of(second, pods)
    fresh = rooms_of(third, pods)[:40]
    slot = slot_of(pods.keys.room_channel(moved))
    await pod.broker.subscribe_rooms([moved])
    cluster.move_slot(slot, source, target)
    try:
        target.pause()  # and sharing out waits for it
        for room in fresh:
            await pod.broker.subscribe_rooms([room])
            await asyncio.sleep(0.1)
        target.resume()
        await until(lambda: heard_all(pod, other, [moved, *fresh]), seconds=20)
        channels = {pods.keys.room_channel(room) for room in fresh}
        assert channels <= set(cluster.servers[third].command("PUBSUB", "SHARDCHANNELS"))
    finally:
        target.resume()
        cluster.move_slot(slot, target, source)


async def test_a_slot_that_was_away_only_for_a_moment_is_heard_again(
    cluster: RedisCluster, pods: Pods
) -> None:
    pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
    source, target = cluster.servers[:2]
    room, *_ = rooms_of(0, pods)
    await pod.broker.subscribe_rooms([room])
    slot = slot_of(pods.keys.room_channel(room))
    cluster.move_slot(slot, source, target)
    cluster.move_slot(slot, target, source)
    await until(lambda: pod.resumed > 0)
    await until(lambda: heard_all(pod, other, [room]))
    assert await pod.hears()


async def test_a_doubt_outlives_a_map_that_cannot_be_read(
    cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatchat.adapters.redis.cluster.REFRESH_SECONDS", 0.1)
    asked, shared_out_anew = asyncio.Event(), asyncio.Event()

    async def away() -> None:
        asked.set()
        raise Unavailable

    async with connected(cluster.url) as servers:
        servers.when_changed(shared_out_anew.set)
        with monkeypatch.context() as patch:
            patch.setattr(servers, "_read_map", away)
            servers.doubt()
            await asked.wait()
        await asyncio.wait_for(shared_out_anew.wait(), 5)


async def test_a_slot_that_takes_a_canary_along_deafens_nobody(
    cluster: RedisCluster, pods: Pods
) -> None:
    pod, other = await pods.open(cluster.url), await pods.open(cluster.url)
    source, target = cluster.servers[:2]
    room, *_ = rooms_of(0, pods)
    await pod.broker.subscribe_rooms([room])
    slots = {
        slot_of(channel)
        for channel in source.command("PUBSUB", "SHARDCHANNELS")
        if channel != pods.keys.room_channel(room)
    }
    for slot in slots:
        cluster.move_slot(slot, source, target)
    try:
        await until(lambda: pod.resumed > 0)
        await until(lambda: heard_all(pod, other, [room]))
        assert await pod.hears()
        assert pod.counted("whatchat_broker_deafness_total") == 0
    finally:
        for slot in slots:
            cluster.move_slot(slot, target, source)


def rooms_of(number: int, pods: Pods) -> list[RoomId]:
    """Rooms whose channels belong to one of the servers."""
    return [room for room in ROOMS if slot_of(pods.keys.room_channel(room)) // SHARE == number]


async def heard_all(pod: Pod, other: Pod, rooms: Sequence[RoomId]) -> bool:
    """Whether a pod hears what another says in these rooms."""
    pod.heard.clear()
    try:
        await other.broker.publish([in_room(rev, room) for rev, room in enumerate(rooms)])
    except Unavailable:
        return False
    await asyncio.sleep(0.1)
    return sorted(pod.heard) == list(range(len(rooms)))
