"""The production shape on one machine: pods and a worker over MongoDB and Redis, behind a proxy.

``python -m tests.servers.cluster`` runs it until it is told to stop.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Self

from tests.e2e.node_process import NodeProcess
from tests.servers.by_hand import CannotStart, arguments, in_a_line, require_free, run_by_hand, tell
from tests.servers.haproxy import HAProxy
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_sentinels import RedisSentinels
from tests.servers.redis_server import RedisServer
from tests.servers.worker_process import WorkerProcess

BY_HAND = {"WHATCHAT_RATE_LIMITS": "on", "WHATCHAT_DRAIN_SECONDS": "30"}
"""The product's own defaults, in place of those that suit tests."""


PodMaker = Callable[[Path, Mapping[str, str]], NodeProcess]
"""Makes a pod, not yet started, of its folder and its environment."""


class Cluster:
    """Pods, a worker, MongoDB nodes, a Redis and HAProxy, on loopback ports.

    ``pods`` are there from the start on, ``worker`` and ``proxies`` once they are up; each part is
    broken and mended by its own methods (``pods[0].kill()``, ``redis.pause()``). ``env`` is for
    the pods, the first of which is made by ``first_pod``, and for the worker. With ``sentinels``
    these say where Redis is: ``redis`` then is the server that is the master first. Several
    ``proxies`` share one port; without any, clients talk to the first pod. All methods block.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pods: int = 3,
        port: int = 0,
        env: Mapping[str, str] | None = None,
        sentinels: bool = False,
        first_pod: PodMaker = NodeProcess,
        mongo_nodes: int = 3,
        proxies: int = 1,
    ) -> None:
        self.mongo = ReplicaSet(folder / "mongo", nodes=mongo_nodes)
        self.sentinels = RedisSentinels(folder / "redis") if sentinels else None
        self.redis = self.sentinels.servers[0] if self.sentinels else RedisServer(folder / "redis")
        self.pods: list[NodeProcess] = []
        self.proxies: list[HAProxy] = []
        self._first_pod = first_pod
        self._worker: WorkerProcess | None = None
        self._folder = folder
        self._count = pods
        self._port = port
        self._proxy_count = proxies
        self._env = dict(env or {})
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def worker(self) -> WorkerProcess:
        """What works in the background."""
        if self._worker is None:
            raise RuntimeError("the cluster is not up")
        return self._worker

    @property
    def proxy(self) -> HAProxy:
        """What clients talk to, or the first of those."""
        if not self.proxies:
            raise RuntimeError("no proxy is up")
        return self.proxies[0]

    @property
    def url(self) -> str:
        """Where clients find the cluster."""
        return self.proxy.url if self._proxy_count else self.pods[0].url

    @property
    def urls(self) -> list[str]:
        """Where each pod is found without the proxy."""
        return [pod.url for pod in self.pods]

    def start(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Start one part after the other, and return once a pod answers through the proxy.

        Raises :class:`CannotStart`, also when it was ``given_up`` before a part's turn.
        """
        try:
            self._start(given_up)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End everything, in reverse order; harmless if it is not up."""
        self._worker = None
        self._ends.close()
        self.pods.clear()
        self.proxies.clear()

    def _start(self, given_up: Callable[[], bool]) -> None:
        def up(name: str, start: Callable[[], None], end: Callable[[], None]) -> None:
            if given_up():
                raise CannotStart(f"{name}: given up before it was started")
            self._ends.callback(end)
            try:
                start()
            except Exception as error:
                raise CannotStart(f"{name}: {in_a_line(error)}; logs in {self._folder}") from error

        up("MongoDB", self.mongo.start, self.mongo.stop)
        redis = self.sentinels or self.redis
        up("Redis", redis.start, redis.stop)
        env = self._product_env(redis.url)
        for number in range(1, self._count + 1):
            make = self._first_pod if number == 1 else NodeProcess
            pod = make(_made(self._folder / f"pod-{number}"), env)
            self.pods.append(pod)
            up(f"pod {number}", pod.start, pod.close)
        self._worker = WorkerProcess(_made(self._folder / "worker"), env)
        up("worker", self._worker.start, self._worker.close)
        for number in range(1, self._proxy_count + 1):
            proxy = self._made_proxy(number)
            self.proxies.append(proxy)
            up("HAProxy", proxy.start, proxy.stop)

    def _made_proxy(self, number: int) -> HAProxy:
        first = number == 1
        return HAProxy(
            self._folder if first else self._folder / f"haproxy-{number}",
            [f"127.0.0.1:{pod.port}" for pod in self.pods],
            self._port if first else self.proxy.port,
            shared=self._proxy_count > 1,
        )

    def _product_env(self, redis_url: str) -> dict[str, str]:
        return {
            "WHATCHAT_JWT_SECRET": secrets.token_hex(32),
            **self._env,
            "WHATCHAT_STORE_URL": self.mongo.url("whatchat"),
            "WHATCHAT_REDIS_URL": redis_url,
            "WHATCHAT_TRUSTED_PROXIES": "127.0.0.1/32",
        }


def main() -> int:
    """Run a cluster until SIGINT or SIGTERM; 1 if it does not start."""
    given = _arguments()
    return run_by_hand("cluster", given.dir, lambda folder, told: _run(folder, given, told))


def _run(folder: Path, given: argparse.Namespace, told: Event) -> None:
    tell(f"Starting {given.pods} pods, a worker, MongoDB, Redis and HAProxy; logs are in {folder}")
    require_free(given.port, "HAProxy")
    cluster = Cluster(folder, pods=given.pods, port=given.port, env=by_hand())
    cluster.start(told.is_set)
    try:
        tell_of(cluster)
        told.wait()
        tell("Stopping")
    finally:
        cluster.close()


def by_hand() -> dict[str, str]:
    """What pods and the worker are told: the product's defaults, and what the environment says."""
    inherited = {name: val for name, val in os.environ.items() if name.startswith("WHATCHAT_")}
    return BY_HAND | inherited


def tell_of(cluster: Cluster) -> None:
    """Say where its parts are."""
    for number, url in enumerate(cluster.urls, 1):
        tell(f"Pod {number} is at {url}")
    tell(f"The worker's probes are at {cluster.worker.url}")
    tell(f"Whatchat is at {cluster.url}")


def _arguments() -> argparse.Namespace:
    parser = arguments(
        "tests.servers.cluster",
        "Run pods and a worker over MongoDB and Redis, behind HAProxy. WHATCHAT_* reach both.",
    )
    parser.add_argument("--port", type=int, default=8000, help="port of the proxy; 0: a free one")
    parser.add_argument("--pods", type=int, default=3, help="how many")
    return parser.parse_args()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
