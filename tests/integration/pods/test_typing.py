"""Who hears of typing, with pods that share real servers."""

import time

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import Ear, People, Person, room_of
from tests.waiting import until
from whatchat.domain.ids import RoomId
from whatchat.features.typing.board import TYPING_SECONDS

BLOCK_SECONDS = 2.0


def typed(ear: Ear) -> list[str]:
    """What somebody heard of typing."""
    return [name.removeprefix("typing:") for name in ear.names() if name.startswith("typing:")]


async def say(person: Person, event: str, room_id: RoomId) -> None:
    answer = await person.ear.ask(event, {"roomId": room_id})
    assert answer == {"ok": True, "data": {}}


async def test_typing_is_heard_by_others_on_every_pod_and_ends_by_itself(
    cluster: Cluster, people: People
) -> None:
    first, second = await cluster.nodes(2)
    ada, bob, eve = await people.at(first, second, first)
    room_id = await room_of([ada, bob])
    began = time.monotonic()
    await say(ada, "typing:start", room_id)
    await until(lambda: typed(bob.ear) == ["start"])
    heard = next(one for one in bob.ear.heard if one.name == "typing:start")
    assert heard.data == {
        "roomId": room_id,
        "userId": ada.user_id,
        "username": ada.client.user.username,
    }
    await until(lambda: typed(bob.ear) == ["start", "stop"], seconds=TYPING_SECONDS + 2)
    assert TYPING_SECONDS <= time.monotonic() - began < TYPING_SECONDS + 1
    assert typed(ada.ear) == typed(eve.ear) == []


async def test_writing_or_going_away_ends_it(cluster: Cluster, people: People) -> None:
    first, second = await cluster.nodes(2)
    ada, bob = await people.at(first, second)
    room_id = await room_of([ada, bob])
    await say(ada, "typing:start", room_id)
    await ada.client.send(room_id, "Done")
    await until(lambda: typed(bob.ear) == ["start", "stop"])
    await say(ada, "typing:start", room_id)
    await until(lambda: typed(bob.ear) == ["start", "stop", "start"])
    await ada.client.close()
    await ada.ear.leave()
    await until(lambda: typed(bob.ear) == ["start", "stop", "start", "stop"], seconds=2.0)


async def test_a_block_is_in_force_on_the_typists_pod(cluster: Cluster, people: People) -> None:
    first, second = await cluster.nodes(2)
    ada, bob, eve = await people.at(first, second, second)
    room_id = await room_of([ada, bob, eve])
    blocked = await bob.ear.ask("user:block", {"userId": ada.user_id})
    assert blocked["ok"]
    began = time.monotonic()
    while time.monotonic() - began < BLOCK_SECONDS:
        await say(ada, "typing:start", room_id)
        await say(ada, "typing:stop", room_id)
        before = len(typed(bob.ear))
    heard = len(typed(eve.ear))
    await until(lambda: time.monotonic() - began > BLOCK_SECONDS + 3)
    await say(ada, "typing:start", room_id)
    await until(lambda: len(typed(eve.ear)) > heard)
    assert len(typed(bob.ear)) == before
    await say(bob, "typing:start", room_id)
    await until(lambda: len(typed(eve.ear)) > heard + 1)
    assert typed(ada.ear) == []


async def test_who_is_removed_is_heard_no_more(cluster: Cluster, people: People) -> None:
    first, second = await cluster.nodes(2)
    ada, bob = await people.at(first, second)
    room_id = await room_of([ada, bob])
    await say(bob, "typing:start", room_id)
    await until(lambda: typed(ada.ear) == ["start"])
    await bob.client.leave(room_id)
    await until(lambda: typed(ada.ear) == ["start", "stop"])
    refused = await bob.ear.ask("typing:start", {"roomId": room_id})
    assert refused["error"]["code"] == "not_found"
