"""A real Prometheus for tests, and for who looks at a cluster on this machine."""

import contextlib
import http.client
import json
import shutil
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.e2e.node_process import free_port
from tests.servers.processes import ServerProcess
from tests.servers.prometheus_queries import Labels, Queries, asked

READY_SECONDS = 20
STOP_SECONDS = 10
SCRAPE_MS = 1_000
ATTEMPTS = 5


class Target(NamedTuple):
    """What is scraped: host and port, and the labels that all of its series get."""

    address: str
    labels: Labels = MappingProxyType({})


class Job(NamedTuple):
    """Targets that are scraped alike; ``honor_labels`` keeps a series' own where both have one."""

    name: str
    targets: Sequence[Target]
    path: str = "/metrics"
    honor_labels: bool = False


class Prometheus(Queries):
    """Listens on a loopback port, and keeps what it scraped in its folder; both survive restarts.

    It asks for OpenMetrics and keeps exemplars. Rules are evaluated as often as targets are
    scraped. Targets are first scraped five seconds after a start, which is Prometheus' own pace.
    All methods block.
    """

    def __init__(
        self,
        folder: Path,
        jobs: Sequence[Job],
        *,
        rules: Sequence[Path] = (),
        interval_ms: int = SCRAPE_MS,
        port: int = 0,
    ) -> None:
        if shutil.which("prometheus") is None:
            raise RuntimeError("prometheus is missing: run `make tools`")
        super().__init__(port)
        self.log = folder / "prometheus.log"
        self._folder = folder
        self._jobs = jobs
        self._rules = rules
        self._interval_ms = interval_ms
        self._process = ServerProcess("Prometheus")

    @property
    def url(self) -> str:
        """Where its pages and its API are."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and return once it answers queries."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(json.dumps(self._configured(), indent=2))
        for _ in range(1 if self.port else ATTEMPTS):
            port = self.port or free_port()
            self._process.start(self._command(port), self.log, folder=self._folder)
            if self._process.comes_up(partial(_is_ready, port), seconds=READY_SECONDS):
                self.port = port
                return
            self._process.end(
                signal.SIGKILL, seconds=STOP_SECONDS
            )  # somebody else has taken the port, most likely
        raise AssertionError("Prometheus did not start:\n" + "\n".join(self.log_lines()[-20:]))

    def stop(self) -> None:
        """End it as its operator would; harmless if it is not up."""
        self._process.end(signal.SIGTERM, seconds=STOP_SECONDS)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.end(signal.SIGKILL, seconds=STOP_SECONDS)

    def log_lines(self) -> list[str]:
        """What it has logged since its latest start: warnings and errors."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def caught_up(self, *, seconds: float = READY_SECONDS) -> None:
        """Return once each target has been scraped with success after this was called."""
        since = time.time()
        deadline = time.monotonic() + seconds
        count = sum(len(job.targets) for job in self._jobs)
        while len(self.query(f"timestamp(up == 1) > {since}")) < count:
            if time.monotonic() > deadline:
                down = [one for one in self.targets() if one.health != "up"]
                raise AssertionError(f"not scraped within {seconds} s: {down}")
            time.sleep(0.05)

    @property
    def _configuration(self) -> Path:
        return self._folder / "prometheus.yml"

    def _configured(self) -> dict[str, Any]:
        """JSON, which is YAML: labels may hold whatever they like."""
        interval = f"{self._interval_ms}ms"
        every = dict.fromkeys(("scrape_interval", "scrape_timeout"), interval)
        return {
            "global": {**every, "evaluation_interval": interval},
            "rule_files": [str(path.absolute()) for path in self._rules],
            "scrape_configs": [_scraped(job) for job in self._jobs],
        }

    def _command(self, port: int) -> list[str]:
        return [
            "prometheus",
            f"--config.file={self._configuration}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]


def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return asked(port, "GET", "/-/ready")[0] == 200
    return False


def _scraped(job: Job) -> dict[str, Any]:
    return {
        "job_name": job.name,
        "metrics_path": job.path,
        "honor_labels": job.honor_labels,
        "static_configs": [
            {"targets": [target.address], "labels": dict(target.labels)} for target in job.targets
        ],
    }
