"""What pods, MongoDB, Redis and the network do during a stretch of time."""

import os
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pymongo import MongoClient
from redis import Redis

from loadtests.bench.durable.parts import Parts
from loadtests.bench.durable.stacks import Pod
from loadtests.bench.growth.samples import Measure
from loadtests.bench.load import Load
from loadtests.bench.process import cpu_seconds, machine_seconds, resident_bytes

Found = dict[Measure, float]

_STATUS: Final = {
    "serverStatus": 1,
    **dict.fromkeys(
        ("metrics", "wiredTiger", "tcmalloc", "locks", "repl", "transactions", "flowControl"), 0
    ),
}
"""Asks for no more than is wanted: the whole would be most of MongoDB's traffic at rest."""

_INFO_BYTES: Final = 144
_COUNTERS: Final = struct.Struct("=QQII")
_COUNTERS_AT: Final = 120  # bytes acknowledged and received, segments out and in
_HEADERS: Final = 66  # Ethernet, IP and TCP with timestamps


class Meters:
    """Reads what has been used so far; a stretch is the difference of two readings."""

    def __init__(self, parts: Parts, pods: Sequence[Pod], load: Load) -> None:
        self._pods = [pod.pid for pod in pods]
        self._mongo_pid, self._redis_pid = parts.mongo_pid, parts.redis_pid
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(parts.store_url)
        self._redis = Redis.from_url(parts.redis_url)
        self._load = load

    def stretch(self, happens: Callable[[], None]) -> tuple[Found, float]:
        """What is used a second while that happens, and how many seconds it took."""
        before, began = self._used(), time.monotonic()
        happens()
        seconds, after = time.monotonic() - began, self._used()
        found = {measure: (after[measure] - before[measure]) / seconds for measure in after}
        known = sum(found[measure] for measure in _CORES)
        found[Measure.OTHERS_CORES] = max(0.0, found[Measure.OTHERS_CORES] - known)
        return found | self._held(), seconds

    def pod_seconds(self) -> float:
        """The time that all pods have computed so far."""
        return sum(map(cpu_seconds, self._pods))

    def mongo_seconds(self) -> float:
        """The time that MongoDB has computed so far."""
        return cpu_seconds(self._mongo_pid)

    def pod_bytes(self) -> int:
        """The memory of all pods now."""
        return sum(map(resident_bytes, self._pods))

    def close(self) -> None:
        """Let go of the connections."""
        self._mongo.close()
        self._redis.close()

    def _held(self) -> Found:
        """What there is now."""
        return {
            Measure.PODS: len(self._pods),
            Measure.CONNECTIONS: sum(client.open for client in self._load.clients),
            Measure.POD_BYTES: self.pod_bytes(),
            Measure.REDIS_BYTES: self._info("memory")["used_memory"],
        }

    def _used(self) -> Found:
        """What has been used since the beginning."""
        network = self._mongo.admin.command(_STATUS)["network"]
        stats = self._info("stats")
        return {
            Measure.CLIENT_TRAFFIC: sum(traffic(client.fd) for client in self._load.clients),
            Measure.MONGO_TRAFFIC: float(network["bytesIn"] + network["bytesOut"]),
            Measure.REDIS_TRAFFIC: stats["total_net_input_bytes"] + stats["total_net_output_bytes"],
            Measure.POD_CORES: self.pod_seconds(),
            Measure.MONGO_CORES: self.mongo_seconds(),
            Measure.REDIS_CORES: cpu_seconds(self._redis_pid),
            Measure.LOAD_CORES: cpu_seconds(os.getpid()),
            Measure.OTHERS_CORES: machine_seconds(),
        }

    def _info(self, section: str) -> Mapping[str, float]:
        found: Any = self._redis.info(section)
        return {name: float(value) for name, value in found.items() if _is_number(value)}


def traffic(fd: int) -> float:
    """The bytes that a TCP socket has sent and received, headers included; 0 of a closed one."""
    try:
        with socket.socket(fileno=os.dup(fd)) as sock:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except OSError:
        return 0.0
    sent, received, *segments = _COUNTERS.unpack_from(info, _COUNTERS_AT)
    return float(sent + received + _HEADERS * sum(segments))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


_CORES: Final = (
    Measure.POD_CORES,
    Measure.MONGO_CORES,
    Measure.REDIS_CORES,
    Measure.LOAD_CORES,
)
