"""Whether this machine and the store agree on the time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final, NoReturn

import structlog

from whatchat.domain.errors import Unavailable
from whatchat.domain.times import Clock, utc_now
from whatchat.observability.metrics import Metrics

WATCH_SECONDS: Final = 30.0
MOST_SECONDS: Final = 2.0
"""Tokens, leases and the order of what people see take so much without harm."""

SLOWEST_SECONDS: Final = 1.0
"""An answer that took longer says too little about when it was given."""

log = structlog.get_logger("whatchat.clock")


class ClockSkew:
    """How far this process' clock is ahead of the store's, as the metrics say it.

    Above ``MOST_SECONDS``, either way, there is a warning in the log, once, and for as long as
    it lasts in :meth:`warnings`. No pod is unready for it: the store's clock may be the wrong one.
    """

    def __init__(
        self,
        ask_store: Callable[[], Awaitable[datetime]],
        metrics: Metrics,
        clock: Clock = utc_now,
    ) -> None:
        self._ask_store = ask_store
        self._gauge = metrics.clock_skew_seconds
        self._clock = clock
        self._seconds = 0.0

    def warnings(self) -> Sequence[str]:
        """What an operator is to know."""
        if abs(self._seconds) <= MOST_SECONDS:
            return ()
        how = "ahead of" if self._seconds > 0 else "behind"
        off = f"this machine's clock is {abs(self._seconds):.1f} s {how} the store's"
        return (f"{off}: see that time is synchronised (NTP, chrony) on both machines",)

    async def measure(self) -> None:
        """Compare the clocks; what the store does not answer in time changes nothing."""
        began = monotonic()
        try:
            theirs = await self._ask_store()
        except Unavailable:
            return
        took = monotonic() - began
        if took > SLOWEST_SECONDS:
            return
        was_off = bool(self.warnings())
        self._seconds = (self._clock() - theirs).total_seconds() - took / 2
        self._gauge.set(self._seconds)
        if self.warnings() and not was_off:
            log.warning(*self.warnings(), seconds=round(self._seconds, 1))
        elif was_off and not self.warnings():
            log.info("this machine's clock agrees with the store's again")

    async def watch(self) -> NoReturn:
        """Compare every ``WATCH_SECONDS``, until cancelled."""
        while True:
            await self.measure()
            await asyncio.sleep(WATCH_SECONDS)
