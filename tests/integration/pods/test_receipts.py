"""Receipts from pod to pod."""

import asyncio
from collections.abc import Mapping

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import Ear, Heard, People, room_of
from tests.waiting import until
from whatchat.client.views import Receipt
from whatchat.domain.ids import RoomId, UserId
from whatchat.features.receipts.telling import WINDOW_SECONDS


def receipts(ear: Ear) -> list[Heard]:
    return [heard for heard in ear.heard if heard.name.startswith("receipt:")]


async def test_authors_on_other_pods_are_told_and_others_are_not(cluster: Cluster) -> None:
    nodes = await cluster.nodes(3)
    async with People() as people:
        ada, bob, eve = everybody = await people.at(*nodes)
        room_id = await room_of(everybody)
        said = await ada.client.send(room_id, "hello")
        await bob.client.until(lambda state: state.rooms[room_id].cursor >= said.rev)
        await bob.client.read(room_id)
        told = Heard("receipt:read", {"roomId": room_id, "userId": bob.user_id, "seq": said.seq})
        await until(lambda: receipts(ada.ear) == receipts(bob.ear) == [told])
        await asyncio.sleep(WINDOW_SECONDS)
        assert receipts(eve.ear) == []
        assert _read(ada.client.state.rooms[room_id].receipts, bob.user_id) == said.seq


async def test_receipts_that_redis_lost_are_found_by_asking(cluster: Cluster) -> None:
    nodes = await cluster.nodes(2)
    async with People() as people:
        ada, bob = both = await people.at(*nodes)
        room_id: RoomId = await room_of(both)
        said = await ada.client.send(room_id, "hello")
        await ada.client.sync()
        await bob.client.until(lambda state: state.rooms[room_id].cursor >= said.rev)
        await nodes[0].broker.unsubscribe_rooms([room_id])
        await bob.client.read(room_id)
        await asyncio.sleep(2 * WINDOW_SECONDS)
        assert receipts(ada.ear) == []
        await ada.client.sync()
        assert _read(ada.client.state.rooms[room_id].receipts, bob.user_id) == said.seq


def _read(known: Mapping[UserId, Receipt], user_id: UserId) -> int:
    return known[user_id].read_seq if user_id in known else 0
