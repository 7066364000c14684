"""Locust, run as whoever tests a cluster runs it."""

import signal
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.node_process import free_port
from tests.servers.processes import ServerProcess

ROOT = Path(__file__).parents[2]
UP_SECONDS = 30
STOP_SECONDS = 20


class LocustProcess:
    """A run of a locustfile, whose figures are at ``metrics_address``; ended by SIGTERM."""

    def __init__(
        self, locustfile: Path, log: Path, *options: str, metrics_port: int | None = None
    ) -> None:
        port = metrics_port or free_port()
        self.metrics_address = f"127.0.0.1:{port}"
        self._log = log
        self._command: Sequence[str | Path] = [
            *(sys.executable, "-m", "locust", "-f", locustfile, "--headless"),
            *("--metrics-port", str(port), *options),
        ]
        self._process = ServerProcess("Locust")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and return once its figures can be scraped."""
        self._process.start(self._command, self._log, folder=ROOT)
        if not self._process.comes_up(self._answers, seconds=UP_SECONDS):
            raise AssertionError(f"Locust did not start:\n{self.said()}")

    def stop(self) -> None:
        """End it as a terminal would; harmless if it has ended."""
        self._process.end(signal.SIGTERM, seconds=STOP_SECONDS)

    def said(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")

    def families(self) -> dict[str, Metric]:
        """What it tells now, by name."""
        with urlopen(f"http://{self.metrics_address}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        return {family.name: family for family in text_string_to_metric_families(text)}

    def _answers(self) -> bool:
        try:
            return bool(self.families())
        except (URLError, HTTPException, OSError):
            return False
