"""Sending clients to other pods, each at a time of its own."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog

from whatchat.domain.signals import SessionMoving
from whatchat.realtime.connection import Connection
from whatchat.realtime.hub import Hub
from whatchat.realtime.link import DRAINING

FINISH_SECONDS: Final = 10.0
"""So long a client's last commands may take; as long as any command may."""

TOLD_AT_ONCE: Final = 100
LOOK_SECONDS: Final = 0.1

Finish = Callable[[Connection], Awaitable[None]]
"""Takes nothing more from a client; returns once all that it asked for is answered."""

CutOff = Callable[[int], None]
"""Is told of so many clients that were not let go in good order."""

log = structlog.get_logger()

_random: Final = random.SystemRandom()


class Moving:
    """Tells clients at once when to leave, and closes whoever is then still there.

    A client that stays is closed with 4503 once what it asked for is answered. ``cut_off`` is
    told at once of each that is closed before: while the pod can still be asked.
    """

    def __init__(self, hub: Hub, finish: Finish, cut_off: CutOff) -> None:
        self._hub = hub
        self._finish = finish
        self._cut_off = cut_off

    async def move(self, leaving: Sequence[Connection], *, seconds: float, grace: float) -> None:
        """Send them away in this order, evenly over ``seconds``, closed a ``grace`` later.

        With 0 ``seconds`` all are closed without a notice. Returns once those who leave are
        gone, or nobody is here any more; ``FINISH_SECONDS`` after the last departure at most.
        """
        departing = deque(zip(departures(len(leaving), seconds), leaving, strict=True))
        loop = asyncio.get_running_loop()
        start = loop.time() + grace
        if seconds:
            await self._tell(departing)
        async with asyncio.TaskGroup() as closings:
            while departing and len(self._hub):
                left = start + departing[0][0] - loop.time()
                if left > 0:
                    await asyncio.sleep(min(left, LOOK_SECONDS))
                else:
                    closings.create_task(self._close(departing.popleft()[1]))

    async def _tell(self, departing: Iterable[tuple[float, Connection]]) -> None:
        for number, (seconds, connection) in enumerate(departing, 1):
            connection.tell(SessionMoving(reconnect_after_ms=round(seconds * 1000)))
            if number % TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _close(self, connection: Connection) -> None:
        if self._hub.connection(connection.session_id) is not connection:
            return
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self._finish(connection)
        except TimeoutError:
            self._cut_off(1)
        except Exception:
            log.exception("a client's last commands were not waited for")
        connection.close(DRAINING)


def departures(count: int, seconds: float) -> list[float]:
    """When each of ``count`` clients is to leave: one in each equal part, at random in it."""
    part = seconds / count if count else 0.0
    return [(number + _random.random()) * part for number in range(count)]
