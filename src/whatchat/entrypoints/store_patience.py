"""Waiting for a store that is not there yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.store import NotLetIn, Unusable

T = TypeVar("T")

PAUSE_SECONDS: Final = 1.0
TELL_SECONDS: Final = 15.0

LET_IN_SECONDS: Final = 30.0
"""So long a name and password may be unknown: a process that is started anew reads them anew."""

log = structlog.get_logger("whatchat")


async def patiently(attempt: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """What ``attempt`` returns as soon as it does not raise ``Unavailable``.

    It is repeated for ``seconds``, and each has a deadline of its own; then its last error is
    raised. That is at once for what is ``Unusable``, and after ``LET_IN_SECONDS`` of being
    ``NotLetIn``. The reason is logged at first and every ``TELL_SECONDS``.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    next_line, let_in_by = loop.time(), None
    while True:
        try:
            return await attempt()
        except Unusable:
            raise
        except Unavailable as error:
            now = loop.time()
            let_in_by = (let_in_by or now + LET_IN_SECONDS) if isinstance(error, NotLetIn) else None
            left = min(deadline, let_in_by or deadline) - now
            if left <= 0:
                raise
            if now >= next_line:
                log.warning("waiting for the store", reason=error.text, seconds_left=round(left))
                next_line = now + TELL_SECONDS
        await asyncio.sleep(min(PAUSE_SECONDS, left))
