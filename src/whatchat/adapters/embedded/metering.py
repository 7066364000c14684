"""How long SQLite takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final, Literal

from whatchat.observability.metrics import Metrics

Operation = Literal["read", "commit"]

OPERATIONS: Final[tuple[Operation, ...]] = ("read", "commit")


class Metering:
    """Times reads and commits, from whichever thread does them.

    ``waited`` is told how many seconds a write was queued. ``used`` says how many connections are
    in use, and how many there are.
    """

    def __init__(self, metrics: Metrics, used: Callable[[], tuple[int, int]]) -> None:
        took = metrics.store_seconds
        self._took = {operation: took.labels(operation).observe for operation in OPERATIONS}
        self._failed = {name: metrics.store_failures.labels(name).inc for name in OPERATIONS}
        self.waited = metrics.store_wait_seconds.observe
        self._connections = metrics.store_connections
        self._used = used
        metrics.when_scraped(self._tell)

    @contextmanager
    def timed(self, operation: Operation) -> Iterator[None]:
        """Whatever becomes of it."""
        begun = perf_counter()
        try:
            yield
        finally:
            self._took[operation](perf_counter() - begun)

    def failed(self, operation: Operation) -> None:
        """A call got no answer, or an error of the database."""
        self._failed[operation]()

    def _tell(self) -> None:
        in_use, there = self._used()
        self._connections.labels("in_use").set(in_use)
        self._connections.labels("idle").set(there - in_use)
