"""What a process says of itself, beside what every process does."""

import gc
import os
import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Literal

from whatchat import __version__
from whatchat.observability.metrics import Metrics

GENERATIONS: Final = 3

_STATM: Final = Path("/proc/self/statm")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Process:
    """Times the garbage collector from :meth:`start` to :meth:`stop`, and tells of the process.

    ``name`` is what it calls itself. ``sockets`` says how many are connected, over which the
    memory is divided that the process has taken since it started.
    """

    def __init__(
        self,
        metrics: Metrics,
        role: Literal["pod", "worker"],
        name: str,
        sockets: Callable[[], int] = lambda: 0,
    ) -> None:
        self._metrics = metrics
        self._sockets = sockets
        self._bytes_at_start = 0
        self._begun = 0.0
        # Without a lock: a collection may begin anywhere, and none begins within another.
        took = metrics.gc_pause_seconds
        self._paused = [took.labels(str(number)).observe for number in range(GENERATIONS)]
        metrics.build_info.labels(__version__, platform.python_version(), role, name).set(1)
        metrics.when_scraped(self._tell)

    def start(self) -> None:
        """Begin to watch."""
        self._bytes_at_start = resident_bytes()
        gc.callbacks.append(self._collecting)

    def stop(self) -> None:
        """Watch no more."""
        gc.callbacks.remove(self._collecting)

    def _collecting(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._begun = perf_counter()
        else:
            self._paused[info["generation"]](perf_counter() - self._begun)

    def _tell(self) -> None:
        sockets = self._sockets()
        taken = max(0, resident_bytes() - self._bytes_at_start)
        self._metrics.socket_memory_bytes.set(taken / sockets if sockets else 0)


def resident_bytes() -> int:
    """Memory in use; 0 where the system does not say."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
