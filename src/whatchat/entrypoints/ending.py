"""What ends the process, and how."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from whatchat.realtime.drain import CUT_OFF_SECONDS
from whatchat.realtime.moving import FINISH_SECONDS

ENDPOINT_SECONDS: Final = 5.0
"""So long newcomers may still be sent to a pod that has said that it takes no more."""

GRACE_SECONDS: Final = 10
"""So long REST requests in flight may take after that."""

CLOSE_SECONDS: Final = 18.0
"""So long a pod that serves nobody any more may take to let go of everything."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger("whatchat.ending")


def longest_end(drain_seconds: float) -> float:
    """The most seconds from SIGTERM to the end of the process, which is seldom near it."""
    afterwards = FINISH_SECONDS + CUT_OFF_SECONDS + GRACE_SECONDS + CLOSE_SECONDS
    return ENDPOINT_SECONDS + drain_seconds + afterwards


class Ending:
    """SIGTERM and ``asked`` end the process in good order, SIGINT or ``must_end`` without delay.

    The first of them counts. A second signal, of either kind, ends the process on the spot,
    with status 128 and its number: what was acknowledged is stored, as after a power cut.
    """

    def __init__(self, must_end: asyncio.Event, asked: asyncio.Event | None = None) -> None:
        self._must_end = must_end
        self._signalled = asked or asyncio.Event()
        self._signal: signal.Signals | None = None

    def listen(self) -> None:
        """Take the signals over, for as long as the running loop lives."""
        loop = asyncio.get_running_loop()
        for kind in SIGNALS:
            loop.add_signal_handler(kind, self._take, kind)

    async def asked(self) -> bool:
        """Return once asked to end: whether without delay."""
        by_signal = await until(self._must_end, self._signalled.wait())
        return not by_signal or self._signal is signal.SIGINT

    def _take(self, kind: signal.Signals) -> None:
        if self._signal is not None:
            log.warning("ended at once by a second signal", signal=kind.name)
            sys.stderr.flush()
            # Not by the signal itself: in a container, the first process is immune to it.
            os._exit(128 + kind)
        self._signal = kind
        self._signalled.set()
        log.info("asked to end", signal=kind.name)


async def until(event: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Do ``work``, unless and until ``event`` is set; whether it came to its end."""
    tasks = asyncio.create_task(work), asyncio.create_task(event.wait())
    working, _ = tasks
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return working.done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
