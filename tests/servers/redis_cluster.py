"""A Redis Cluster for tests: three masters, and a replica of the last if it is asked for."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.node_process import free_port
from tests.servers.redis_server import RedisServer

SLOTS = 16_384
READY_SECONDS = 15


class RedisCluster:
    """Three servers that share the slots in equal parts."""

    def __init__(self, folder: Path, *, with_replica: bool = False) -> None:
        self.servers = [_server(folder / str(number)) for number in range(3)]
        self.replica = _server(folder / "replica") if with_replica else None

    @property
    def url(self) -> str:
        """Where clients find it."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"redis+cluster://{hosts}"

    def start(self) -> None:
        """Start the servers and return once they are one cluster."""
        share = -(-SLOTS // len(self.servers))
        for number, server in enumerate(self.servers):
            server.start()
            last = min((number + 1) * share, SLOTS) - 1
            server.command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
            # Distinct epochs from the start: nobody has to settle whose claim is newer.
            server.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in self.servers[1:]:
            self._introduce(server)
        _wait(lambda: all(map(_is_whole, self.servers)))
        if self.replica is not None:
            self.replica.start()
            self._introduce(self.replica)
            self._replicate(self.replica, self.servers[-1])

    def stop(self) -> None:
        """End all servers."""
        for server in (*self.servers, *filter(None, [self.replica])):
            server.kill()

    def move_slot(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Hand a slot, which must be empty, over to another server."""
        node = target.command("CLUSTER", "MYID")
        for server in (target, source, *self.servers):
            server.command("CLUSTER", "SETSLOT", slot, "NODE", node)

    def _introduce(self, server: RedisServer) -> None:
        bus = server.command("CONFIG", "GET", "cluster-port")[1]
        self.servers[0].command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)

    def _replicate(self, replica: RedisServer, master: RedisServer) -> None:
        node = master.command("CLUSTER", "MYID")
        _wait(lambda: replica.command("CLUSTER", "REPLICATE", node) == b"OK")
        _wait(lambda: b"master_link_status:up" in replica.command("INFO", "replication"))
        # Whoever votes for it must have heard that it is one.
        _wait(lambda: all(server.command("CLUSTER", "REPLICAS", node) for server in self.servers))


def _server(folder: Path) -> RedisServer:
    return RedisServer(
        folder,
        [
            *("--cluster-enabled", "yes", "--cluster-node-timeout", "1000"),
            *("--cluster-port", str(free_port())),
            *("--cluster-require-full-coverage", "no"),
        ],
    )


def _is_whole(server: RedisServer) -> bool:
    info = server.command("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_slots_ok:16384" in info


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise AssertionError("the cluster did not come together")
        time.sleep(0.05)
