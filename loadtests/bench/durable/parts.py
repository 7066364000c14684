"""What stands behind the pods, and the pods themselves, each a process of its own."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from loadtests.bench.people import SECRET
from loadtests.bench.process import pinned
from tests.e2e.node_process import NodeProcess
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer


class Parts:
    """A MongoDB replica set of one, a Redis, and any number of pods; all methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mongo = ReplicaSet(folder / "mongo")
        self._redis = RedisServer(folder / "redis")
        self._pods: list[NodeProcess] = []

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

    def pod(self, *cores: int, ping_interval_ms: int | None = None) -> NodeProcess:
        """One more pod on these cores, ready; its rate limits are off."""
        env = {
            "WHATCHAT_STORE_URL": self.store_url,
            "WHATCHAT_REDIS_URL": self._redis.url,
            "WHATCHAT_JWT_SECRET": SECRET,
        }
        if ping_interval_ms is not None:
            env["WHATCHAT_PING_INTERVAL_MS"] = str(ping_interval_ms)
        folder = self._folder / f"pod-{len(self._pods)}"
        folder.mkdir()
        pod = NodeProcess(folder, env)
        with pinned(*cores):  # which all its threads inherit
            pod.start()
        self._pods.append(pod)
        return pod

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
def running() -> Iterator[Parts]:
    """MongoDB and Redis from their start to their end, on an empty folder of their own."""
    with tempfile.TemporaryDirectory(prefix="whatchat-bench-") as folder:
        parts = Parts(Path(folder))
        try:
            parts.start()
            yield parts
        finally:
            parts.stop()
