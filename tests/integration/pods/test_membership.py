"""Who is in a room is known on every pod, also where nothing else tells of it."""

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import (
    PASSWORD,
    Ear,
    People,
    Person,
    assert_unbroken,
    room_of,
)
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.client import auth
from whatchat.client.http import Http
from whatchat.domain.ids import RoomId

WITHOUT_REDIS_SECONDS = 10.0

Break = Callable[[RedisServer], None]

broken = pytest.mark.parametrize("broken", [RedisServer.kill, RedisServer.pause])


async def hears(person: Person, room_id: RoomId, event: str, *, since: float) -> None:
    """Return once the event has come, as late after ``since`` as is promised."""
    left = WITHOUT_REDIS_SECONDS - (monotonic() - since)
    await until(
        lambda: event in [heard.name for heard in person.ear.of(room_id)], seconds=max(left, 0.0)
    )


@broken
async def test_a_removal_without_redis_is_in_force_where_nobody_speaks(
    cluster: Cluster, people: People, redis: RedisServer, broken: Break
) -> None:
    nodes = await cluster.nodes(2)
    ada, bob, cat = await people.at(nodes[0], nodes[1], nodes[1])
    room_id = await room_of([ada, bob, cat])

    await asyncio.to_thread(broken, redis)
    begun = monotonic()
    await ada.client.rest.remove_member(room_id, bob.user_id)
    await hears(bob, room_id, "room:removed", since=begun)
    last = await cat.client.send(room_id, "among us")
    await cat.ear.reaches(room_id, last.rev)

    assert bob.ear.contents(room_id) == []
    assert_unbroken(cat.ear, room_id, last.rev)


@broken
async def test_who_is_added_without_redis_is_told_where_nobody_speaks(
    cluster: Cluster, people: People, redis: RedisServer, broken: Break
) -> None:
    nodes = await cluster.nodes(2)
    ada, bob, cat = await people.at(nodes[0], nodes[1], nodes[1])
    room_id = await room_of([ada, cat])

    await asyncio.to_thread(broken, redis)
    begun = monotonic()
    await ada.client.rest.add_members(room_id, [bob.user_id])
    await hears(bob, room_id, "room:created", since=begun)
    await hears(cat, room_id, "room:updated", since=begun)
    last = await bob.client.send(room_id, "thank you")
    await cat.ear.reaches(room_id, last.rev)
    assert bob.ear.names().count("room:created") == 1


async def test_a_room_opened_without_redis_reaches_those_in_it(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    ada, bob = await people.at(*await cluster.nodes(2))
    await asyncio.to_thread(redis.kill)
    begun = monotonic()
    room = await ada.client.create_room("Engines", [bob.user_id])
    await hears(bob, room.id, "room:created", since=begun)


async def test_a_room_revealed_without_redis_is_there_on_the_blockers_other_pod(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    nodes = await cluster.nodes(2)
    ada, eve = await people.at(nodes[0], nodes[0])
    async with Http(nodes[1].url) as http:
        sign_in = await auth.login(http, ada.client.user.username, PASSWORD, None)
    async with Ear.at(nodes[1], sign_in.access_token) as elsewhere:
        await ada.client.rest.block(eve.user_id)
        room = await eve.client.direct(ada.user_id)
        await asyncio.to_thread(redis.kill)

        await ada.client.rest.unblock(eve.user_id)
        await until(lambda: "session:resync" in elsewhere.names(), seconds=WITHOUT_REDIS_SECONDS)
        synced = await elsewhere.ask("sync", {"cursors": {}})
    assert [one["roomId"] for one in synced["data"]["rooms"]] == [room.id]
