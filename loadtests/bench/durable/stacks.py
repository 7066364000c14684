"""What is measured over MongoDB and Redis: the product, and a plain stack on Node."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from loadtests.bench.durable.crowd import Crowd, settle
from loadtests.bench.durable.peer import PeerProcess, settle_peers
from loadtests.bench.people import SECRET
from loadtests.bench.plan import ServerName
from tests.e2e.node_process import NodeProcess


class Pod(Protocol):
    """One server of several that could share the work."""

    port: int
    log: Path

    @property
    def pid(self) -> int:
        """Its process."""

    def start(self) -> None:
        """Return once it is ready."""

    def kill(self) -> None:
        """End it at once."""


class Behind(NamedTuple):
    """Where a pod finds MongoDB and Redis."""

    store_url: str
    redis_url: str


class Stack(NamedTuple):
    """How people get into a server's store, and how a pod of it is made, to be started.

    A pod is given a folder of its own, and how often it looks after its clients, in ms.
    """

    settle: Callable[[str, *tuple[Crowd, ...]], None]
    pod: Callable[[Path, Behind, int], Pod]


def _our_pod(folder: Path, behind: Behind, ping_interval_ms: int) -> Pod:
    env = {
        "WHATCHAT_STORE_URL": behind.store_url,
        "WHATCHAT_REDIS_URL": behind.redis_url,
        "WHATCHAT_JWT_SECRET": SECRET,
        "WHATCHAT_PING_INTERVAL_MS": str(ping_interval_ms),
    }
    return NodeProcess(folder, env)


def _peer_pod(folder: Path, behind: Behind, ping_interval_ms: int) -> Pod:
    env = {
        "STORE_URL": behind.store_url,
        "REDIS_URL": behind.redis_url,
        "JWT_SECRET": SECRET,
        "PING_INTERVAL_MS": str(ping_interval_ms),
    }
    return PeerProcess(folder, env)


STACKS: Final[Mapping[ServerName, Stack]] = {
    ServerName.OURS: Stack(settle, _our_pod),
    ServerName.NODE: Stack(settle_peers, _peer_pod),
}
