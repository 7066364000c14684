"""A node as its operator runs it: ``whatchat serve`` in a process of its own."""

import contextlib
import http.client
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.product_process import WHATCHAT, ProductProcess


class NodeProcess(ProductProcess):
    """One node on one port and one data directory, which survive its restarts."""

    def __init__(
        self,
        data_dir: Path,
        env: Mapping[str, str] | None = None,
        *,
        program: Sequence[str] = WHATCHAT,
    ) -> None:
        super().__init__(data_dir, env, name="node", program=program)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def _arguments(self) -> Sequence[str]:
        return "serve", "--host", "127.0.0.1", "--port", str(self.port)

    def _is_ready(self) -> bool:
        return is_ready(self.port)


def is_ready(port: int) -> bool:
    """Whether what listens there says that it is ready."""
    probe = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(probe), contextlib.suppress(OSError, http.client.HTTPException):
        probe.request("GET", "/readyz")
        return probe.getresponse().status == 200
    return False


def free_port() -> int:
    """A port that nothing listens on, below those that the system hands to outgoing connections.

    The node can so come back to the port that it had before a restart.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")
