"""Pods that were added get their share of the sockets, while people talk."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from math import inf
from pathlib import Path

import httpx
import pytest

from tests.e2e.node_process import free_port
from tests.integration.pods.cluster import Cluster, Node
from tests.integration.pods.crowd import Crowd
from tests.integration.pods.people import PASSWORD
from tests.servers.haproxy import HAProxy
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.client import WhatchatClient
from whatchat.client.events import MessageSent
from whatchat.client.stream import EventStream
from whatchat.client.views import Message
from whatchat.domain.ids import RoomId
from whatchat.entrypoints import probes
from whatchat.realtime import balance, moving, rebalancing

SOCKETS = 240
TALKERS = 6
LEVEL_SECONDS = 90
CALM_SECONDS = 3.0
"""Longer than the time between two notes of a pod, as in earnest."""


def sockets_of(node: Node) -> int:
    return int(counted(node, "whatchat_connected_sockets"))


def counted(node: Node, name: str, **labels: str) -> float:
    """A metric's value, over all labels but these."""
    node.metrics.refresh()
    return sum(
        sample.value
        for family in node.metrics.registry.restricted_registry([name]).collect()
        for sample in family.samples
        if labels.items() <= sample.labels.items()
    )


@pytest.fixture
async def cluster(
    mongo_url: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cluster]:
    """Opens pods that level quickly, and a few sockets, once they may at all.

    All of them and the crowd share a loop: one that is slow is not out of order.
    """
    monkeypatch.setattr(balance, "LEAST", 10)
    monkeypatch.setattr(balance, "CALM_SECONDS", inf)
    for module in (balance, rebalancing):
        monkeypatch.setattr(module, "ROUND_SECONDS", 1.0)
    monkeypatch.setattr(rebalancing, "LOOK_SECONDS", 1.0)
    monkeypatch.setattr(rebalancing, "SETTLED_SECONDS", 1.0)
    monkeypatch.setattr(rebalancing, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(moving, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(probes, "CHECK_SECONDS", 20.0)
    settings = {"trusted_proxies": "127.0.0.1/32", "rebalance_per_minute": 1_200}
    async with Cluster(mongo_url, redis.url, **settings) as cluster:
        yield cluster


@pytest.mark.alone
@pytest.mark.timeout(300)
async def test_new_pods_get_their_share_and_nobody_misses_anything(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [free_port() for _ in range(4)]
    nodes = [await cluster.node(port=port) for port in ports[:2]]
    proxy = HAProxy(tmp_path, [f"127.0.0.1:{port}" for port in ports])
    await asyncio.to_thread(proxy.start)
    talkers = [
        await WhatchatClient.register(
            proxy.url,
            f"talker.{number}",
            PASSWORD,
            transports=("polling",) if number == 1 else ("websocket", "polling"),
        )
        for number in range(TALKERS)
    ]
    crowd = Crowd(proxy.url, await tokens(proxy.url, SOCKETS))
    try:
        await crowd.come()
        for talker in talkers:
            await talker.connect()
        room = await talkers[0].create_room("Two to four", [one.user.id for one in talkers[1:]])
        over = asyncio.Event()
        heard_by: list[list[str]] = [[] for _ in talkers]
        listening = [
            asyncio.create_task(listen(talker.events(), heard))
            for talker, heard in zip(talkers, heard_by, strict=True)
        ]
        talking = [asyncio.create_task(talk(one, room.id, over)) for one in talkers[:2]]
        mean = (SOCKETS + TALKERS) / 4
        assert min(map(sockets_of, nodes)) > 1.3 * mean

        nodes += [await cluster.node(port=port) for port in ports[2:]]
        await until(lambda: takes_newcomers(proxy, nodes), seconds=30)
        monkeypatch.setattr(balance, "CALM_SECONDS", CALM_SECONDS)
        await until(lambda: max(map(sockets_of, nodes)) <= 1.3 * mean, seconds=LEVEL_SECONDS)
        await crowd.all_here()
        await asyncio.sleep(1)
        over.set()
        said = [content for each in await asyncio.gather(*talking) for content in each]

        # Level, by no more moves than it takes, and nobody was refused by the proxy.
        assert max(map(sockets_of, nodes)) <= 1.3 * mean
        sent = sum(counted(node, "whatchat_rebalanced_sockets_total") for node in nodes)
        assert sent <= 1.2 * (SOCKETS + TALKERS) / 2
        assert crowd.all_of(lambda member: member.refused) == []
        assert sum(counted(node, "whatchat_refusals_total", reason="moved") for node in nodes)
        assert max(crowd.all_of(lambda member: [member.moved])) == 1
        assert 4503 in crowd.all_of(lambda member: member.codes)
        await until(
            lambda: not any(counted(one, "whatchat_surplus_sockets") for one in nodes), seconds=30
        )

        # All that was accepted has reached everybody, once.
        await until(lambda: all(len(heard) >= len(said) for heard in heard_by), seconds=30)
        assert [sorted(heard) for heard in heard_by] == [sorted(said)] * TALKERS
    finally:
        await crowd.go()
        for talker in talkers:
            await talker.close()
        await asyncio.to_thread(proxy.stop)
    await asyncio.gather(*listening)


async def takes_newcomers(proxy: HAProxy, nodes: Sequence[Node]) -> bool:
    """Whether the proxy sends newcomers to all of these."""
    async with httpx.AsyncClient() as http:
        figures = (await http.get(f"http://{proxy.metrics_address}/metrics")).text
    return f'haproxy_backend_active_servers{{proxy="pods"}} {len(nodes)}\n' in figures


async def listen(events: EventStream, heard: list[str]) -> None:
    async for event in events:
        match event:
            case MessageSent(message=Message(message_type="text", content=str(content))):
                heard.append(content)


async def tokens(url: str, count: int) -> list[str]:
    """So many, of a few people."""
    found = []
    async with httpx.AsyncClient(base_url=url) as http:
        for number in range(4):
            body = {"username": f"many.{number}", "password": PASSWORD}
            answer = (await http.post("/api/auth/register", json=body)).json()
            found.append(str(answer["accessToken"]))
    return [found[number % len(found)] for number in range(count)]


async def talk(client: WhatchatClient, room_id: RoomId, over: asyncio.Event) -> list[str]:
    """All that was accepted until it is over."""
    said: list[str] = []
    while not over.is_set():
        content = f"{client.user.username}-{len(said)}"
        await client.send(room_id, content)
        said.append(content)
        await asyncio.sleep(0.1)
    return said
