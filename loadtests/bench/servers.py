"""The servers, each a process of its own on a core of its own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtests.bench.people import SECRET
from loadtests.bench.process import SERVER_CORE, cpu_seconds, pinned, resident_bytes
from loadtests.bench.program import ended, first_line
from loadtests.bench.redis import Redis, running_redis

_READY: Final = "listening on "
_HERE: Final = Path(__file__).parent

COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "ours": (sys.executable, "-m", "loadtests.bench.ours"),
    "stock": (sys.executable, str(_HERE / "peers" / "stock.py")),
    "node": ("node", str(_HERE / "peers" / "node" / "server.mjs")),
}
"""How each server is started: with the secret as its argument, and behind it the URL of a
Redis where there is one; it prints its port."""


class Server:
    """One running server."""

    def __init__(self, pid: int, port: int, redis: Redis | None) -> None:
        self.port = port
        self.has_redis = redis is not None
        self._pid = pid
        self._redis = redis

    @property
    def cpu_seconds(self) -> float:
        """The time that it has computed so far."""
        return cpu_seconds(self._pid)

    @property
    def redis_seconds(self) -> float:
        """The time that its Redis has computed so far, 0 without one."""
        return cpu_seconds(self._redis.pid) if self._redis else 0.0

    @property
    def resident_bytes(self) -> int:
        """Its memory now."""
        return resident_bytes(self._pid)


@contextlib.contextmanager
def running(name: str, *, redis: bool = False) -> Iterator[Server]:
    """A server from its start to its end, on the first core; a fresh ``redis`` on the load's."""
    with contextlib.ExitStack() as stack:
        beside = stack.enter_context(running_redis()) if redis else None
        with pinned(SERVER_CORE):  # which all its threads inherit
            process = subprocess.Popen(
                [*COMMANDS[name], SECRET, *([beside.url] if beside else [])],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                cwd=_HERE.parents[1],
            )
        stack.enter_context(ended(process))
        yield Server(process.pid, int(first_line(process, _READY)), beside)
