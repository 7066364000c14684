"""What stands behind the pods, and the pods themselves, each a process of its own."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from loadtests.bench.durable.crowd import Crowd
from loadtests.bench.durable.stacks import STACKS, Behind, Pod
from loadtests.bench.plan import ServerName
from loadtests.bench.process import has_ended, pinned
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer

PING_INTERVAL_MS: Final = 25_000
LAST_WORDS: Final = 500


class Parts:
    """A MongoDB replica set of one, a Redis, and any number of a server's pods.

    All methods block.
    """

    def __init__(self, folder: Path, server: ServerName) -> None:
        self._folder = folder
        self._stack = STACKS[server]
        self._mongo = ReplicaSet(folder / "mongo")
        self._redis = RedisServer(folder / "redis")
        self._pods: list[Pod] = []

    @property
    def store_url(self) -> str:
        """Where pods find MongoDB."""
        return self._mongo.url("whatchat")

    @property
    def redis_url(self) -> str:
        """Where pods find Redis."""
        return self._redis.url

    @property
    def mongo_pid(self) -> int:
        """The process id of ``mongod``."""
        return int(self._mongo.nodes[0].command("serverStatus")["pid"])

    @property
    def redis_pid(self) -> int:
        """The process id of ``redis-server``."""
        return int(self._redis_info("process_id"))

    @property
    def versions(self) -> Mapping[str, str]:
        """What runs here."""
        mongo = self._mongo.nodes[0].command("buildInfo")["version"]
        return {"mongod": str(mongo), "redis-server": self._redis_info("redis_version")}

    def start(self) -> None:
        """Start MongoDB and Redis on the cores that the caller runs on."""
        self._mongo.start()
        self._redis.start()

    def settle(self, *crowds: Crowd) -> None:
        """Have crowds move in, before there are pods."""
        self._stack.settle(self.store_url, *crowds)

    def pod(self, *cores: int, ping_interval_ms: int = PING_INTERVAL_MS) -> Pod:
        """One more pod on these cores, ready; it limits nobody."""
        folder = self._folder / f"pod-{len(self._pods)}"
        folder.mkdir()
        behind = Behind(self.store_url, self.redis_url)
        pod = self._stack.pod(folder, behind, ping_interval_ms)
        with pinned(*cores):  # which all its threads inherit
            pod.start()
        self._pods.append(pod)
        return pod

    def expect_all_up(self) -> None:
        """Fail, with the end of what it said, if a pod has ended by itself."""
        for pod in self._pods:
            if has_ended(pod.pid):
                raise AssertionError(f"a pod ended by itself: {pod.log.read_text()[-LAST_WORDS:]}")

    def stop(self) -> None:
        """End everything; what it would do to part is not measured."""
        for pod in self._pods:
            pod.kill()
        self._redis.kill()
        self._mongo.stop()

    def _redis_info(self, name: str) -> str:
        lines = bytes(self._redis.command("INFO", "server")).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)[name]


@contextlib.contextmanager
def running(server: ServerName = ServerName.OURS) -> Iterator[Parts]:
    """MongoDB and Redis from their start to their end, on an empty folder of their own."""
    with tempfile.TemporaryDirectory(prefix="whatchat-bench-") as folder:
        parts = Parts(Path(folder), server)
        try:
            parts.start()
            yield parts
        finally:
            parts.stop()
