"""A cluster on this machine whose pods stay; Redis' master may die."""

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from loadtests.stage.programs import crashes, versions
from loadtests.stage.stages import MIDDLE
from tests.servers.cluster import Cluster


class Shape(Struct, frozen=True, kw_only=True):
    """How many of everything. Without ``proxies`` people come to the one pod directly.

    ``sentinels``: Redis has a replica that takes its place.
    """

    pods: int = 2
    proxies: int = 2
    mongo_nodes: int = 1
    sentinels: bool = False


class Fixed:
    """Pods, a worker and all they need, with rate limits off."""

    moment = MIDDLE

    def __init__(self, cluster: Cluster, secret: str) -> None:
        self.secret = secret
        self._cluster = cluster

    @property
    def url(self) -> str:
        return self._cluster.url

    @property
    def store_url(self) -> str:
        return self._cluster.mongo.url("whatchat")

    def pods(self) -> Mapping[str, str]:
        return {f"pod-{number}": url for number, url in enumerate(self._cluster.urls, 1)}

    def processes(self) -> Mapping[str, Collection[int]]:
        return {
            "pods": [pod.pid for pod in self._cluster.pods],
            "worker": [self._cluster.worker.pid],
            "mongod": [node.pid for node in self._cluster.mongo.nodes],
            "redis": self._redis(),
            "haproxy": [proxy.pid for proxy in self._cluster.proxies],
        }

    def versions(self) -> Mapping[str, str]:
        return versions(self._cluster.mongo)

    def disturb(self) -> None:
        """Redis' master is killed, and another takes its place."""
        if self._cluster.sentinels is None:
            raise RuntimeError("nobody would take the place of Redis' master here")
        self._cluster.sentinels.fail_over()

    def troubles(self) -> list[str]:
        programs = [*self._cluster.pods, self._cluster.worker]
        return [
            *(f"{one.log}: it has ended" for one in programs if one.has_ended),
            *crashes(programs),
        ]

    def _redis(self) -> list[int]:
        found = self._cluster.sentinels
        servers = [*found.servers, *found.sentinels] if found else [self._cluster.redis]
        return [server.pid for server in servers if server.is_up]


@contextmanager
def fixed(shape: Shape, folder: Path) -> Iterator[Fixed]:
    """One that is up, until it is left. Raises ``CannotStart``."""
    secret = secrets.token_hex(32)
    cluster = Cluster(
        folder,
        pods=shape.pods,
        env={"WHATCHAT_JWT_SECRET": secret},
        sentinels=shape.sentinels,
        mongo_nodes=shape.mongo_nodes,
        proxies=shape.proxies,
    )
    with cluster:
        try:
            yield Fixed(cluster, secret)
        finally:
            for pod in cluster.pods:
                pod.kill()  # what it would do to part is not measured
