"""Subscribe, then read: nothing falls between the greeting and the live stream."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from tests.unit.realtime.parts import ROOM, NotedLink, announced, entering, leaving, warming
from tests.unit.realtime.pod import Pod, added, created, removed
from tests.waiting import until
from whatchat.domain.errors import Unauthenticated, Unavailable
from whatchat.domain.ids import UserId
from whatchat.realtime.link import UNAUTHENTICATED


async def admitted(pod: Pod, user_id: str, session: str = "") -> NotedLink:
    connection, link = warming(user_id, session)
    pod.admission.open(connection, await pod.admission.prepare(connection))
    return link


def amid(pod: Pod, *revs: int, then: Callable[[], None] | None = None) -> None:
    """Let the room change right after the pod subscribed to it, before heads are read."""

    async def subscribe(keys: Sequence[str]) -> None:
        await pod.rooms.subscribe(keys)
        for rev in revs:
            pod.delivery.accept(announced(rev))
        if then is not None:
            then()

    pod.admission._room_channels._subscribe = subscribe


async def test_the_greeting_tells_heads_latest_activity_first(pod: Pod) -> None:
    await pod.write(created("ada", "bob"), added("eve"), room="old")
    await asyncio.sleep(0.005)
    await pod.write(created("ada", "bob"), room="new")
    await pod.write(created("bob"), room="another")
    await admitted(pod, "ada")
    assert pod.told == [("new", 1), ("old", 2)]
    assert pod.users.now == {"ada"}
    assert pod.rooms.now == {"old", "new"}


async def test_what_comes_while_warming_follows_the_greeting_above_the_head(pod: Pod) -> None:
    await pod.write(created("ada"), added("bob"))
    amid(pod, 1, 2, 3, 4)
    link = await admitted(pod, "ada")
    assert pod.told == [(ROOM, 2)]
    assert link.revs() == [3, 4]
    pod.delivery.accept(announced(5))
    assert link.revs() == [3, 4, 5]


async def test_a_head_that_the_pod_has_not_heard_of_is_told_and_not_repeated(pod: Pod) -> None:
    await pod.write(created("ada"))
    first = await admitted(pod, "ada", "first")
    await pod.write(added("bob"), added("eve"), first=2)
    second = await admitted(pod, "ada", "second")
    assert pod.told == [(ROOM, 3)]
    for rev in (2, 3, 4):
        pod.delivery.accept(announced(rev))
    assert first.revs() == [2, 3, 4]
    assert second.revs() == [4]


async def test_a_head_read_shows_the_others_what_was_lost(pod: Pod) -> None:
    await pod.write(created("ada"))
    first = await admitted(pod, "ada", "first")
    await pod.write(added("bob"), first=2)
    pod.log.announced = [announced(2)]
    await admitted(pod, "ada", "second")
    await until(lambda: first.revs() == [2])


async def test_a_pod_ahead_of_the_read_tells_where_it_is(pod: Pod) -> None:
    await pod.write(created("ada"))
    await admitted(pod, "ada", "first")
    connection, link = warming("ada", "second")
    prepared = await pod.admission.prepare(connection)
    for rev in (2, 3):
        pod.delivery.accept(announced(rev))
    pod.admission.open(connection, prepared)
    assert pod.told == [(ROOM, 3)]
    assert link.revs() == []


async def test_a_room_entered_while_warming_follows_the_greeting(pod: Pod) -> None:
    connection, link = warming("ada")
    prepared = await pod.admission.prepare(connection)
    pod.delivery.accept(entering(1, "ada"))
    pod.delivery.accept(announced(2))
    pod.admission.open(connection, prepared)
    assert pod.told == []
    assert [name for name, _ in link.events()] == ["room:created", "message:new"]


async def test_a_room_left_while_warming_is_not_told(pod: Pod) -> None:
    await pod.write(created("ada", "bob"))
    connection, link = warming("bob")
    prepared = await pod.admission.prepare(connection)
    pod.delivery.accept(leaving(2, "bob"))
    pod.delivery.accept(announced(3))
    pod.admission.open(connection, prepared)
    assert pod.told == []
    assert [name for name, _ in link.events()] == ["room:removed"]


async def test_a_leaving_heard_before_the_read_is_not_undone_by_it(pod: Pod) -> None:
    await pod.write(created("ada", "bob"))
    memberships = pod.store.rooms.memberships
    connection, link = warming("bob")
    preparing = asyncio.create_task(pod.admission.prepare(connection))
    stale = await memberships(UserId("bob"))
    assert [membership.record.room_id for membership in stale] == [ROOM]
    pod.delivery.accept(leaving(2, "bob"))
    pod.admission.open(connection, await preparing)
    assert pod.told == []
    pod.delivery.accept(announced(3))
    assert [name for name, _ in link.events()] == ["room:removed"]


async def test_a_socket_whose_sign_in_ends_meanwhile_is_not_let_in(pod: Pod) -> None:
    await pod.write(created("ada"))
    connection, _ = warming("ada")
    amid(pod, then=lambda: connection.close(UNAUTHENTICATED))
    with pytest.raises(Unauthenticated):
        await pod.admission.prepare(connection)
    assert len(pod.hub) == 0
    assert pod.hub.room(ROOM) is None


async def test_without_a_broker_nobody_is_let_in_and_nothing_stays(pod: Pod) -> None:
    await pod.write(created("ada"))
    pod.rooms.down = True
    with pytest.raises(Unavailable):
        await admitted(pod, "ada")
    assert len(pod.hub) == 0
    pod.rooms.down = False
    await admitted(pod, "ada")
    assert pod.told == [(ROOM, 1)]


async def test_rooms_that_a_refused_socket_found_are_followed_for_the_others(pod: Pod) -> None:
    first = await admitted(pod, "ada", "first")
    await pod.write(created("ada"))
    pod.rooms.down = True
    with pytest.raises(Unavailable):
        await admitted(pod, "ada", "second")
    pod.rooms.down = False
    await until(lambda: bool((room := pod.hub.room(ROOM)) and room.feed.started))
    pod.delivery.accept(announced(2))
    assert first.revs() == [2]


async def test_many_sockets_at_once_see_the_same(pod: Pod) -> None:
    await pod.write(created("ada", "bob"), added("eve"), removed("eve"))
    links = await asyncio.gather(
        *(admitted(pod, user_id, f"{user_id}{n}") for n in range(10) for user_id in ("ada", "bob"))
    )
    pod.delivery.accept(announced(4))
    assert [link.revs() for link in links] == [[4]] * 20
