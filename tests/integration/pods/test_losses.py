"""What pods do without Redis, and when it is back."""

import asyncio

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import People, Person, all_reach, assert_unbroken, room_of
from tests.integration.redis.proxy import Proxy
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.domain.ids import Rev, RoomId

CONVERGED_SECONDS = 6.0
"""What is promised, 5 s and jitter, from the broker's return on."""

NOTICED_SECONDS = 7.0
"""How long a pod may take to find out that it is deaf, and what it has not heard."""

ACK_SECONDS = 2.0
AWAY_SECONDS = 1.5
"""Long enough for pods to be at their longest pause between attempts to reconnect."""


async def say(people: list[Person], room_id: RoomId, text: str) -> Rev:
    """Everybody says something, one after the other; the last one's rev."""
    rev = Rev(0)
    for number, person in enumerate(people):
        async with asyncio.timeout(ACK_SECONDS):
            rev = (await person.client.send(room_id, f"{text} {number}")).rev
    return rev


async def test_redis_is_killed_and_comes_back_empty(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    nodes = await cluster.nodes(3)
    ada, bob, cat, dan = trio_and_dan = await people.at(*nodes, nodes[2])
    trio = [ada, bob, cat]
    room_id = await room_of(trio)
    await say(trio, room_id, "before")

    await asyncio.to_thread(redis.kill)
    await say([ada, bob], room_id, "without")
    await ada.client.rest.add_members(room_id, [dan.user_id])
    # Who is in a room is asked of the store; what is said there is not.
    await until(lambda: "room:created" in [heard.name for heard in dan.ear.of(room_id)])
    await until(lambda: len(cat.ear.contents(room_id)) == 5)
    head = await say([ada, bob], room_id, "with Dan")
    await asyncio.sleep(AWAY_SECONDS)
    assert all([await node.is_ready() for node in nodes])
    assert (len(cat.ear.contents(room_id)), dan.ear.contents(room_id)) == (5, [])

    async with asyncio.timeout(CONVERGED_SECONDS):
        await asyncio.to_thread(redis.start)
        await all_reach(trio, room_id, head, seconds=CONVERGED_SECONDS)
        await dan.client.until(
            lambda state: room_id in state.rooms and state.rooms[room_id].cursor >= head
        )
    head = await say(trio_and_dan, room_id, "after")
    await all_reach(trio_and_dan, room_id, head)

    for person in trio:
        assert_unbroken(person.ear, room_id, head)
        assert "session:resync" not in person.ear.names()
        assert person.ear.contents(room_id) == [
            *("before 0", "before 1", "before 2", "without 0", "without 1"),
            *("with Dan 0", "with Dan 1", "after 0", "after 1", "after 2", "after 3"),
        ]
    assert "session:resync" not in dan.ear.names()


async def test_a_removal_without_redis_is_in_force_where_the_room_is_spoken_in(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    nodes = await cluster.nodes(2)
    ada, bob, cat = await people.at(nodes[0], nodes[1], nodes[1])
    room_id = await room_of([ada, bob, cat])

    await asyncio.to_thread(redis.kill)
    await ada.client.rest.remove_member(room_id, bob.user_id)
    last = await cat.client.send(room_id, "among us")
    await cat.ear.reaches(room_id, last.rev)

    assert bob.ear.of(room_id)[-1].name == "room:removed"
    assert bob.ear.contents(room_id) == []
    assert_unbroken(cat.ear, room_id, last.rev)


async def test_what_was_missed_while_subscriptions_were_cut_is_made_up_for(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    trio = await people.at(*await cluster.nodes(3))
    room_id = await room_of(trio)
    cuts = 0

    async def cut() -> None:
        nonlocal cuts
        for _ in range(3):
            cuts += await asyncio.to_thread(redis.command, "CLIENT", "KILL", "TYPE", "pubsub")
            await asyncio.sleep(0.1)

    cutting = asyncio.create_task(cut())
    head = await say(trio * 20, room_id, "cut")
    await cutting
    await all_reach(trio, room_id, head, seconds=CONVERGED_SECONDS)

    assert cuts >= len(trio)
    for person in trio:
        assert_unbroken(person.ear, room_id, head)
        assert len(person.ear.contents(room_id)) == 60


async def test_a_last_word_that_nobody_heard_is_not_lost(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    """Nothing that comes later gives the hole away."""
    ada, bob = await people.at(*await cluster.nodes(2))
    room_id = await room_of([ada, bob])

    redis.command("CLIENT", "KILL", "TYPE", "pubsub")  # blocks: pods notice only when it is said
    last = await ada.client.send(room_id, "the last word")
    await bob.ear.reaches(room_id, last.rev, seconds=CONVERGED_SECONDS)
    assert bob.ear.contents(room_id) == ["the last word"]


async def test_a_last_word_that_redis_did_not_take_is_not_lost(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    ada, bob = await people.at(*await cluster.nodes(2))
    room_id = await room_of([ada, bob])

    redis.pause()
    saying = asyncio.create_task(ada.client.send(room_id, "the last word"))
    await ada.ear.reaches(room_id, ada.ear.revs(room_id)[-1] + 1)
    await asyncio.to_thread(redis.restart)
    last = await saying
    await bob.ear.reaches(room_id, last.rev, seconds=CONVERGED_SECONDS)
    assert bob.ear.contents(room_id) == ["the last word"]


async def test_a_deaf_pod_is_not_ready_and_finds_what_it_did_not_hear(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    async with Proxy(redis.address) as proxy:
        hearing, deaf = await cluster.node(), await cluster.node(proxy.url)
        ada, bob = await people.at(hearing, deaf)
        room_id = await room_of([ada, bob])
        proxy.muffled = True
        last = await ada.client.send(room_id, "can you hear me?")
        await bob.ear.reaches(room_id, last.rev, seconds=NOTICED_SECONDS)
        assert (await hearing.is_ready(), await deaf.is_ready()) == (True, False)

        proxy.muffled = False
        await until(deaf.is_ready, seconds=CONVERGED_SECONDS)
        last = await ada.client.send(room_id, "and now?")
        await bob.ear.reaches(room_id, last.rev)
        assert_unbroken(bob.ear, room_id, last.rev)
        await people.leave()
        await cluster.close()
