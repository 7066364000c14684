"""The Redis beside a server of the comparison."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from loadtests.bench.process import LOAD_CORE, pinned
from tests.servers.redis_server import RedisServer


class Redis(NamedTuple):
    """Where it is, and which process."""

    url: str
    pid: int


@contextlib.contextmanager
def running_redis() -> Iterator[Redis]:
    """A fresh one from its start to its end, on the load's core; it keeps nothing on disk."""
    with tempfile.TemporaryDirectory(prefix="whatchat-bench-") as folder:
        server = RedisServer(Path(folder))
        with pinned(LOAD_CORE):
            server.start()
        try:
            yield Redis(server.url, server.pid)
        finally:
            server.kill()
