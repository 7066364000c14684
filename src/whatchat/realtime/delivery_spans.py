"""Spans of announcements on their way to the sockets of this pod."""

from collections.abc import Iterator
from contextlib import contextmanager

from whatchat.domain.audience import Announcement, destination_of
from whatchat.observability.tracing import Tracing, within
from whatchat.realtime.outflow import Flusher


class DeliverySpans:
    """Continues, on each pod that delivers it, the trace of what was published."""

    def __init__(self, tracing: Tracing, flusher: Flusher) -> None:
        self._tracing = tracing
        self._flusher = flusher

    @contextmanager
    def of(self, announcement: Announcement) -> Iterator[None]:
        """What happens inside is the delivery; it ends when the network was given all of it."""
        to = destination_of(announcement)
        span = self._tracing.following(f"deliver {to}", "consumer", announcement.trace)
        if span is None:
            yield
            return
        span.of_delivery(to, announcement.event, announcement.room_id, announcement.rev)
        try:
            with within(span):
                yield
        finally:
            self._flusher.then(span.end)
