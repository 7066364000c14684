"""How long MongoDB takes, as the driver tells it.

https://pymongo.readthedocs.io/en/stable/api/pymongo/monitoring.html
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pymongo import monitoring

from whatchat.observability.metrics import Metrics

OPERATIONS: Final = frozenset(
    {
        *("find", "getMore", "aggregate", "count", "distinct", "killCursors"),
        *("insert", "update", "delete", "findAndModify"),
        *("create", "createIndexes", "dropIndexes", "listIndexes", "listCollections"),
        *("ping", "hello"),
    }
)
"""The driver's own, for its connections, and what may come to be are ``other``."""

WATCH: Final = "watch"
"""A change stream's next page, which the server keeps back until there is something."""

CHECKOUT: Final = "checkout"
"""Getting hold of a connection."""

OTHER: Final = "other"

DUPLICATE_KEY: Final = 11000
"""The answer to a question that was asked by writing: no failure."""


class _Meters(NamedTuple):
    took: Callable[[float], None]
    failed: Callable[[], None]


class CommandTimes(monitoring.CommandListener):
    """Measures every command, by name, from its leaving to its answer's being read."""

    def __init__(self, metrics: Metrics) -> None:
        self._meters = {name: _meters(metrics, name) for name in (*OPERATIONS, WATCH, OTHER)}
        self._watching: set[int] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "getMore" and "maxTimeMS" in event.command:
            self._watching.add(event.request_id)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._of(event).took(event.duration_micros / 1e6)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        meters = self._of(event)
        meters.took(event.duration_micros / 1e6)
        if event.failure.get("code") != DUPLICATE_KEY:
            meters.failed()

    def _of(
        self, event: monitoring.CommandSucceededEvent | monitoring.CommandFailedEvent
    ) -> _Meters:
        name = event.command_name
        if self._watching and event.request_id in self._watching:
            self._watching.discard(event.request_id)
            name = WATCH
        return self._meters.get(name) or self._meters[OTHER]


class PoolTimes(monitoring.ConnectionPoolListener):
    """Measures the wait for a connection, and counts those there are and those in use."""

    def __init__(self, metrics: Metrics) -> None:
        self._waited = metrics.store_wait_seconds.observe
        self._failed = metrics.store_failures.labels(CHECKOUT).inc
        self._states = metrics.store_connections
        self._there = self._in_use = 0
        metrics.when_scraped(self._tell)

    def connection_created(self, _event: Any) -> None:
        self._there += 1

    def connection_closed(self, _event: Any) -> None:
        self._there -= 1

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        self._in_use += 1
        self._waited(event.duration or 0.0)

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        self._failed()
        self._waited(event.duration or 0.0)

    def connection_checked_in(self, _event: Any) -> None:
        self._in_use -= 1

    # What comes beside: a pool's life, and the beginning of what is told when it ends.

    def pool_created(self, _event: Any) -> None: ...

    def pool_ready(self, _event: Any) -> None: ...

    def pool_cleared(self, _event: Any) -> None: ...

    def pool_closed(self, _event: Any) -> None: ...

    def connection_ready(self, _event: Any) -> None: ...

    def connection_check_out_started(self, _event: Any) -> None: ...

    def _tell(self) -> None:
        self._states.labels("in_use").set(self._in_use)
        self._states.labels("idle").set(self._there - self._in_use)


def _meters(metrics: Metrics, operation: str) -> _Meters:
    took = metrics.store_seconds.labels(operation)
    return _Meters(took.observe, metrics.store_failures.labels(operation).inc)
