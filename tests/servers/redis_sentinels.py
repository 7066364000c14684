"""A master, a replica and three sentinels for tests."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.servers.redis_server import RedisServer

NAME = "whatchat"
READY_SECONDS = 20
PATIENCE_MS = 2_000
"""More than a sentinel's pings are apart: with less it takes a new master for dead at first."""


class RedisSentinels:
    """Sentinels that make the replica the master two seconds after the master has died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.servers = [RedisServer(folder / "first"), RedisServer(folder / "second")]
        self.sentinels: list[RedisServer] = []

    @property
    def url(self) -> str:
        """Where clients find it."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{NAME}"

    def start(self) -> None:
        """Start everything and return once the sentinels know each other and the replica."""
        master, replica = self.servers
        for server in self.servers:
            server.start()
        replica.command("REPLICAOF", "127.0.0.1", master.port)
        for number in range(3):
            self.sentinels.append(self._sentinel(number, master.port))
        self._wait(lambda: all(self._knows_all(sentinel) for sentinel in self.sentinels))

    def stop(self) -> None:
        """End everything."""
        for server in (*self.sentinels, *self.servers):
            server.kill()

    def master_port(self) -> int:
        """Which server is the master, as the first sentinel sees it."""
        return _master_of(self.sentinels[0])

    def fail_over(self) -> RedisServer:
        """Kill the master, and return it once the replica is in its place for every sentinel."""
        port = self.master_port()
        [dead] = [server for server in self.servers if server.port == port]
        [heir] = [server for server in self.servers if server is not dead]
        dead.kill()
        self._wait(lambda: all(_master_of(one) == heir.port for one in self.sentinels))
        self._wait(lambda: b"role:master" in heir.command("INFO", "replication"))
        return dead

    def take_back(self, dead: RedisServer) -> None:
        """Start it, and return once the sentinels have made it a replica: ten seconds or so."""
        dead.start()
        self._wait(lambda: b"master_link_status:up" in dead.command("INFO", "replication"))

    def _sentinel(self, number: int, master_port: int) -> RedisServer:
        folder = self._folder / f"sentinel-{number}"
        folder.mkdir(parents=True)
        config = folder / "sentinel.conf"
        config.write_text(
            f"sentinel monitor {NAME} 127.0.0.1 {master_port} 2\n"
            f"sentinel down-after-milliseconds {NAME} {PATIENCE_MS}\n"
            f"sentinel failover-timeout {NAME} 3000\n"
        )
        sentinel = RedisServer(folder, sentinel=config)
        sentinel.start()
        return sentinel

    def _knows_all(self, sentinel: RedisServer) -> bool:
        answer = sentinel.command("SENTINEL", "MASTER", NAME)
        facts = dict(zip(answer[::2], answer[1::2], strict=True))
        return (facts[b"num-slaves"], facts[b"num-other-sentinels"]) == (b"1", b"2")

    def _wait(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not reached():
            if time.monotonic() > deadline:
                raise AssertionError("the sentinels did not agree")
            time.sleep(0.05)


def _master_of(sentinel: RedisServer) -> int:
    found = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
    return int(found[1])
