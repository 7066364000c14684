"""How long Redis takes."""

from typing import Final

from hiredis import ReplyError

from whatchat.observability.metrics import Metrics

_AS_FORESEEN: Final = ("NOSCRIPT ", "MOVED ", "ASK ", "NOGROUP ")
"""Answers that lead on to another request."""


class RequestTimes:
    """Measures requests, each some commands that left together, over all links of a pod."""

    def __init__(self, metrics: Metrics) -> None:
        self._took = metrics.redis_seconds.observe
        self._waiting = metrics.redis_waiting
        self.failed = metrics.redis_failures.inc

    def asked(self) -> None:
        """One has left, or will at the end of this turn of the loop."""
        self._waiting.inc()

    def answered(self, seconds: float) -> None:
        """All its replies are there."""
        self._waiting.dec()
        self._took(seconds)

    def refused(self, error: ReplyError) -> None:
        """One of the replies is an error."""
        if not str(error).startswith(_AS_FORESEEN):
            self.failed()

    def unanswered(self) -> None:
        """The link was lost before."""
        self._waiting.dec()
        self.failed()
