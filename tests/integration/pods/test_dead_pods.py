"""A pod that dies between writing and publishing."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.integration.pods.cluster import Cluster, Node
from tests.integration.pods.people import People, Person, all_reach, assert_unbroken, room_of
from whatchat.domain.audience import Announcement
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId
from whatchat.entrypoints.pod_lease import LEASE_SECONDS

ANNOUNCED_SECONDS = LEASE_SECONDS + 5.0


async def die_after_writing(
    node: Node, speaker: Person, room_id: RoomId, text: str, patch: pytest.MonkeyPatch
) -> None:
    """Have somebody say something of which the pod writes, and from there on does nothing."""
    written = asyncio.Event()

    async def hang(_: Sequence[Announcement]) -> None:
        written.set()
        await asyncio.Event().wait()

    patch.setattr(node.broker, "publish", hang)
    sending = asyncio.create_task(speaker.client.send(room_id, text))
    await written.wait()
    await node.end_lease()
    sending.cancel()


async def test_what_a_dead_pod_wrote_is_announced_by_a_living_one(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = await cluster.nodes(3)
    ada, bob, cat = await people.at(*nodes)
    room_id = await room_of([ada, bob, cat])
    head = bob.ear.revs(room_id)[-1] + 1

    await die_after_writing(nodes[0], ada, room_id, "last words", monkeypatch)
    await all_reach([bob, cat], room_id, head, seconds=ANNOUNCED_SECONDS)

    answer = await bob.client.send(room_id, "we heard you")
    await all_reach([bob, cat], room_id, answer.rev)
    for person in (bob, cat):
        assert person.ear.contents(room_id) == ["last words", "we heard you"]
        assert_unbroken(person.ear, room_id, answer.rev)


async def test_an_heir_that_cannot_announce_makes_way_for_another(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = await cluster.nodes(3)
    ada, cat = await people.at(nodes[0], nodes[2])
    room_id = await room_of([ada, cat])
    head = cat.ear.revs(room_id)[-1] + 1

    async def refuse(_: Sequence[Announcement]) -> None:
        raise Unavailable

    monkeypatch.setattr(nodes[1].broker, "publish", refuse)
    await die_after_writing(nodes[0], ada, room_id, "last words", monkeypatch)
    await all_reach([cat], room_id, head, seconds=ANNOUNCED_SECONDS)
    assert_unbroken(cat.ear, room_id, head)
