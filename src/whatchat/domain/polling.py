"""What other pods wrote, asked for again and again."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from whatchat.domain.errors import ChatError
from whatchat.domain.tasks import ended

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
OVERLAP: Final = timedelta(seconds=10)
"""How late what was written may become visible after the time that the store gave it."""

_random: Final = random.SystemRandom()


class Polling:
    """Has ``poll`` ask the store each second, so that what is written anywhere is known in two.

    A poll that fails is logged and made up for by the next; ``what`` it reads is named there.
    Pods do not fall into step.
    """

    def __init__(
        self, what: str, poll: Callable[[], Awaitable[None]], *, seconds: float = POLL_SECONDS
    ) -> None:
        self._what = what
        self._poll = poll
        self._seconds = seconds
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Poll once, then keep polling; raises if the store cannot be asked."""
        await self._poll()
        self._polling = asyncio.create_task(self._keep_polling(), name=self._what)

    async def stop(self) -> None:
        """Poll no more."""
        if self._polling:
            await ended(self._polling)
            self._polling = None

    async def _keep_polling(self) -> None:
        while True:
            await asyncio.sleep(self._seconds * _random.uniform(0.9, 1.1))
            try:
                await self._poll()
            except (ChatError, TimeoutError) as error:
                log.warning("%s cannot be read yet: %r", self._what, error)
            except Exception:
                log.exception("%s could not be read; trying again", self._what)
