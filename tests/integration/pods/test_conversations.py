"""People on different pods talk as if there were one."""

import asyncio

import pytest

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import People, Person, all_reach, assert_unbroken, room_of
from whatchat.client.views import Message
from whatchat.domain.errors import ChatError

SETTLED_SECONDS = 0.3
"""Longer than a hole in a room's revs stays open."""


async def test_what_happens_on_one_pod_is_heard_on_all_in_order(
    cluster: Cluster, people: People
) -> None:
    ada, bob, cat = await people.at(*await cluster.nodes(3))
    room_id = await room_of([ada, bob, cat])

    one = await ada.client.send(room_id, "one")
    two = await ada.client.send(room_id, "two")
    await ada.client.edit(one.id, "One.")
    last = await ada.client.delete(two.id)
    await all_reach([ada, bob, cat], room_id, last.rev)

    for person in (ada, bob, cat):
        await person.client.until(lambda state: state.rooms[room_id].cursor >= last.rev)
        assert_unbroken(person.ear, room_id, last.rev)
        assert [heard.name for heard in person.ear.of(room_id)[-4:]] == [
            "message:new",
            "message:new",
            "message:updated",
            "message:deleted",
        ]
        assert [message.content for message in person.client.messages(room_id)] == ["One.", ""]


async def test_whoever_is_removed_on_one_pod_is_out_on_all(
    cluster: Cluster, people: People
) -> None:
    ada, bob, cat = await people.at(*await cluster.nodes(3))
    room_id = await room_of([ada, bob, cat])

    await bob.client.send(room_id, "still here")
    await ada.client.rest.remove_member(room_id, bob.user_id)
    with pytest.raises(ChatError) as refusal:
        await bob.client.send(room_id, "and gone")
    last = await ada.client.send(room_id, "among us")
    await all_reach([ada, cat], room_id, last.rev)
    await asyncio.sleep(SETTLED_SECONDS)

    assert refusal.value.code in {"forbidden", "not_found"}
    assert bob.ear.of(room_id)[-1].name == "room:removed"
    assert bob.ear.contents(room_id) == ["still here"]
    assert cat.ear.contents(room_id) == ["still here", "among us"]
    assert (len(bob.ear.notes(room_id)), len(cat.ear.notes(room_id))) == (0, 1)
    assert_unbroken(cat.ear, room_id, last.rev)


async def test_pods_that_write_in_turn_follow_each_other_without_conflicts(
    cluster: Cluster, people: People
) -> None:
    nodes = await cluster.nodes(2)
    ada, bob = await people.at(*nodes)
    room_id = await room_of([ada, bob])

    async def say(speaker: Person, text: str) -> None:
        message = await speaker.client.send(room_id, text)
        await all_reach([ada, bob], room_id, message.rev)
        last.append(message)

    last: list[Message] = []
    for number in range(5):
        await say(ada, f"ping {number}")
        await say(bob, f"pong {number}")
    edited = await ada.client.edit(last[0].id, "Ping.")
    await all_reach([ada, bob], room_id, edited.rev)
    renamed = await ada.client.update_room(room_id, name="Tables")
    await all_reach([ada, bob], room_id, renamed.rev)
    await say(bob, "a new name")

    for node in nodes:
        assert node.metrics.registry.get_sample_value("whatchat_append_conflicts_total") == 0


async def test_a_room_hammered_from_two_pods_keeps_one_order(
    cluster: Cluster, people: People
) -> None:
    one, two = await cluster.nodes(2)
    crowd = await people.at(one, one, two, two)
    room_id = await room_of(crowd)
    said = [[f"{number}:{count}" for count in range(40)] for number in range(len(crowd))]

    accepted = await asyncio.gather(
        *(
            person.client.send(room_id, content)
            for contents, person in zip(said, crowd, strict=True)
            for content in contents
        )
    )
    head = max(message.rev for message in accepted)
    await all_reach(crowd, room_id, head)

    for person in crowd:
        assert_unbroken(person.ear, room_id, head)
        heard = person.ear.contents(room_id)
        assert len(heard) == len(accepted)
        for number, contents in enumerate(said):
            assert [text for text in heard if text.startswith(f"{number}:")] == contents
        await person.client.until(lambda state: state.rooms[room_id].cursor >= head)
        assert [message.content for message in person.client.messages(room_id)] == heard
