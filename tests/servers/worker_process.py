"""A worker as its operator runs it: ``whatchat worker`` in a process of its own."""

import contextlib
import http.client
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.node_process import free_port
from tests.servers.product_process import ProductProcess


class WorkerProcess(ProductProcess):
    """One worker with its probes on a port of its own; ``env`` says where its servers are."""

    def __init__(self, data_dir: Path, env: Mapping[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(data_dir, {**env, "WHATCHAT_INTERNAL_PORT": str(self.port)}, name="worker")

    def get(self, path: str) -> tuple[int, str]:
        """The status and body of an answer of its internal port."""
        probe = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(probe):
            probe.request("GET", path)
            answer = probe.getresponse()
            return answer.status, answer.read().decode()

    def _arguments(self) -> Sequence[str]:
        return ("worker",)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/readyz")[0] == 200
        return False
