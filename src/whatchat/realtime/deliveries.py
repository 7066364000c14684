"""What is counted of events on their way from the log to the sockets."""

from collections import defaultdict
from time import time
from typing import Literal

from whatchat.domain.audience import Announcement
from whatchat.domain.signals import RoomRevTaken
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import current_span, exemplar_of
from whatchat.realtime.outflow import Flusher

Cause = Literal["hole", "heads"]
"""How a pod knows that it missed something: a later rev came, or by comparing heads."""


class Deliveries:
    """Counts each event once, however many sockets it is written to.

    How long it took is observed when the network has been given what the turn of the loop
    wrote, with one look at the clock for all events of the turn.
    """

    def __init__(self, metrics: Metrics, flusher: Flusher) -> None:
        self._flusher = flusher
        self._metrics = metrics
        self._written: defaultdict[str, int] = defaultdict(int)
        self._crowds: defaultdict[int, int] = defaultdict(int)
        self._unread = 0
        self._leaving: list[Announcement] = []
        self._fanned_out = metrics.fanout_sockets.labels().observe_times
        self._local = metrics.delivery_seconds.labels("local").observe
        self._remote = metrics.delivery_seconds.labels("remote").observe
        metrics.when_scraped(self._tell)

    def announced(self, announcement: Announcement, sockets: int, taken: int = 0) -> None:
        """An announcement was written to so many sockets; others heard that its rev is taken."""
        if taken:
            self._written[RoomRevTaken.name] += taken
        self.fanned_out(announcement.event, sockets, taken)
        self.leaves(announcement, sockets + taken)

    def fanned_out(self, event: str, sockets: int, others: int = 0) -> None:
        """An event was written to so many sockets; ``others`` heard something in its place."""
        self._crowds[sockets + others] += 1
        if sockets:
            self._written[event] += sockets

    def leaves(self, announcement: Announcement, sockets: int) -> None:
        """An announcement leaves with this turn of the loop, to so many sockets."""
        if announcement.trace and (span := current_span()):
            span.of_sockets(sockets)
        if sockets and announcement.accepted_at:
            if not self._leaving:
                self._flusher.then(self._left)
            self._leaving.append(announcement)

    def dropped(self, events: int) -> None:
        """Of a volatile event, so many sockets were not told."""
        self._unread += events

    def repaired(self, cause: Cause) -> None:
        """A room had something that was read from the store, as the broker did not bring it."""
        self._metrics.gap_repairs.labels(cause).inc()

    def gave_up(self) -> None:
        """A room's hole was left open: the store does not have what is in it."""
        self._metrics.gap_repairs.labels("given_up").inc()

    def _left(self) -> None:
        leaving, self._leaving = self._leaving, []
        now = time()
        for one in leaving:
            observe = self._remote if one.remote else self._local
            seconds = now - one.accepted_at
            # Another pod's clock may be ahead.
            observe(seconds if seconds > 0 else 0.0, exemplar_of(one.trace) if one.trace else None)

    def _tell(self) -> None:
        written, self._written = self._written, defaultdict(int)
        for event, sockets in written.items():
            self._metrics.deliveries.labels(event).inc(sockets)
        crowds, self._crowds = self._crowds, defaultdict(int)
        for sockets, times in crowds.items():
            self._fanned_out(sockets, times)
        self._metrics.volatile_dropped.inc(self._unread)
        self._unread = 0
