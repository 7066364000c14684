"""What is counted of appends."""

from collections.abc import Callable, Sequence
from time import time

from whatchat.domain.log import Change
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import exemplar_of
from whatchat.roomlog.decision import Decision


class AppendCounts:
    """One node's, for the writers of all rooms."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._durable: dict[type[Change], Callable[[], None]] = {}

    def appended(self, asked: int, durable: Sequence[Decision]) -> None:
        """Of ``asked`` entries in one append these are now durable."""
        self._metrics.append_batch_size.observe(asked)
        now = time()
        for decision in durable:
            if decision.entry is not None:
                self._of(type(decision.entry.change))()
            waiting = decision.waiting
            trace = exemplar_of(waiting.proposal.trace)
            self._metrics.accept_seconds.observe(max(0.0, now - waiting.asked_at), trace)

    def clashed(self) -> None:
        """An append found its rev taken."""
        self._metrics.append_conflicts.inc()

    def _of(self, change: type[Change]) -> Callable[[], None]:
        count = self._durable.get(change)
        if count is None:
            kind = str(change.__struct_config__.tag)
            count = self._durable[change] = self._metrics.entries_appended.labels(kind).inc
        return count
