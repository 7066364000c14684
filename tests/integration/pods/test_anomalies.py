"""Anomalies that no pod could find alone."""

import asyncio
import secrets

import httpx

from tests.integration.pods.cluster import Cluster, Node
from tests.servers.redis_server import RedisServer
from tests.waiting import until

PASSWORD = "correct horse battery staple"


class Attacker:
    """Somebody who tries passwords, each time on another pod."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._name = f"p.{secrets.token_hex(6)}"
        self._tries = 0

    async def register(self) -> None:
        """Have an account that can be attacked."""
        assert await self._ask("register", PASSWORD) == 201

    async def guess(self, times: int) -> None:
        """Try wrong ones."""
        for _ in range(times):
            assert await self._ask("login", "a wrong one") == 401

    async def _ask(self, what: str, password: str) -> int:
        node = self._nodes[self._tries % len(self._nodes)]
        self._tries += 1
        body = {"username": self._name, "password": password}
        async with httpx.AsyncClient() as http:
            return (await http.post(f"{node.url}/api/auth/{what}", json=body)).status_code


def found(nodes: list[Node]) -> int:
    """How often any of the pods found the account under attack."""
    labels = {"rule": "failed_sign_ins_of_account", "action": "alert"}
    return sum(
        int(node.metrics.registry.get_sample_value("whatchat_anomalies_total", labels) or 0)
        for node in nodes
    )


async def test_guesses_on_two_pods_are_found_once(cluster: Cluster) -> None:
    nodes = await cluster.nodes(2)
    attacker = Attacker(nodes)
    await attacker.register()
    await attacker.guess(14)
    await asyncio.sleep(0.3)
    assert found(nodes) == 0
    await attacker.guess(6)
    await until(lambda: found(nodes) == 1)
    await asyncio.sleep(0.3)
    assert found(nodes) == 1


async def test_without_redis_guesses_are_answered_as_ever_and_each_pod_counts(
    cluster: Cluster, redis: RedisServer
) -> None:
    nodes = await cluster.nodes(2)
    attacker = Attacker(nodes)
    await attacker.register()
    await asyncio.to_thread(redis.kill)
    await attacker.guess(20)
    await asyncio.sleep(0.3)
    assert found(nodes) == 0
    await attacker.guess(12)
    await until(lambda: found(nodes) == 2)
