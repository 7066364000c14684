"""A pod that dies between writing and publishing."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.integration.pods.cluster import Cluster, Node
from tests.integration.pods.people import People, Person, all_reach, assert_unbroken, room_of
from whatchat.background.last_words import CLAIM_SECONDS
from whatchat.domain.audience import Announcement
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId
from whatchat.entrypoints.pod_lease import LEASE_SECONDS

ANNOUNCED_SECONDS = LEASE_SECONDS + 5.0


async def die_after_writing(
    node: Node, speaker: Person, room_ids: Sequence[RoomId], text: str, patch: pytest.MonkeyPatch
) -> None:
    """Have somebody say something of which the pod writes, and from there on does nothing."""
    written = asyncio.Semaphore(0)

    async def hang(_: Sequence[Announcement]) -> None:
        written.release()
        await asyncio.Event().wait()

    patch.setattr(node.broker, "publish", hang)
    sending = [asyncio.create_task(speaker.client.send(one, text)) for one in room_ids]
    for _ in sending:
        await written.acquire()
    await node.end_lease()
    for task in sending:
        task.cancel()


async def test_what_a_dead_pod_wrote_is_announced_by_a_worker(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = await cluster.nodes(3)
    await cluster.worker()
    ada, bob, cat = await people.at(*nodes)
    room_id = await room_of([ada, bob, cat])
    head = bob.ear.revs(room_id)[-1] + 1

    await die_after_writing(nodes[0], ada, [room_id], "last words", monkeypatch)
    await all_reach([bob, cat], room_id, head, seconds=ANNOUNCED_SECONDS)

    answer = await bob.client.send(room_id, "we heard you")
    await all_reach([bob, cat], room_id, answer.rev)
    for person in (bob, cat):
        assert person.ear.contents(room_id) == ["last words", "we heard you"]
        assert_unbroken(person.ear, room_id, answer.rev)


async def test_what_a_worker_had_in_hand_when_it_died_is_anothers(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = await cluster.nodes(2)
    dying = await cluster.worker()
    ada, bob = await people.at(*nodes)
    room_id = await room_of([ada, bob])
    head = bob.ear.revs(room_id)[-1] + 1
    trying = asyncio.Event()

    async def hang(_: Sequence[Announcement]) -> None:
        trying.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(dying.broker, "publish", hang)
    await die_after_writing(nodes[0], ada, [room_id], "last words", monkeypatch)
    async with asyncio.timeout(ANNOUNCED_SECONDS):
        await trying.wait()
    await dying.die()
    await cluster.worker()
    await all_reach([bob], room_id, head, seconds=CLAIM_SECONDS + 2.0)
    assert_unbroken(bob.ear, room_id, head)


async def test_a_room_that_cannot_be_announced_holds_up_no_other(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = await cluster.nodes(2)
    worker = await cluster.worker()
    ada, bob = await people.at(*nodes)
    stuck = await room_of([ada, bob], name="Stuck")
    room_id = await room_of([ada, bob])
    head = bob.ear.revs(room_id)[-1] + 1
    publish, tries = worker.broker.publish, list[RoomId | None]()

    async def refuse(announcements: Sequence[Announcement]) -> None:
        tries.append(announcements[0].room_id)
        if announcements[0].room_id == stuck:
            raise Unavailable
        await publish(announcements)

    monkeypatch.setattr(worker.broker, "publish", refuse)
    await die_after_writing(nodes[0], ada, [stuck, room_id], "last words", monkeypatch)
    await all_reach([bob], room_id, head, seconds=ANNOUNCED_SECONDS)
    assert stuck in tries
    assert bob.ear.contents(stuck) == []
