"""Keeping a link up."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from whatchat.adapters.redis.link import Link
from whatchat.domain.errors import Unavailable
from whatchat.domain.tasks import ended

log = structlog.get_logger()

FIRST_PAUSE_SECONDS: Final = 0.05
MAX_PAUSE_SECONDS: Final = 1.0
SETTLED_SECONDS: Final = 5.0

_random: Final = random.SystemRandom()

OpenLink = Callable[[], Awaitable[Link]]
"""Opens a link that is ready for use; raises ``Unavailable``."""


class Connector:
    """Keeps one link up, for ever; each time it is lost, another is opened.

    Attempts come at growing pauses of up to a second, with jitter: pods do not come back
    in step. ``reopened`` is called whenever a link replaces one that was lost.
    """

    def __init__(
        self, name: str, open_link: OpenLink, reopened: Callable[[], None] = lambda: None
    ) -> None:
        self._name = name
        self._open_link = open_link
        self._reopened = reopened
        self._pause = FIRST_PAUSE_SECONDS
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def link(self) -> Link:
        """The link that is up. Raises ``Unavailable`` if none is."""
        if self._link is None:
            raise Unavailable
        return self._link

    async def start(self) -> None:
        """Open the first link. Raises ``Unavailable`` saying why that is not possible."""
        self._link = await self._open_link()
        self.start_soon()

    def start_soon(self) -> None:
        """Begin to keep a link up, whether or not one can be opened now."""
        self._task = asyncio.create_task(self._keep(), name=f"redis-{self._name}")

    def give_up(self) -> None:
        """Have the link that is up, if one is, replaced by another."""
        if self._link is not None:
            self._link.close()

    async def close(self) -> None:
        """Give up the link and open no other."""
        if self._task is not None:
            await ended(self._task)
            self._task = None
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        reopening = self._link is not None
        while True:
            if self._link is None:
                self._link = await self._open_at_last()
                if reopening:
                    log.info("Redis is back", link=self._name)
                    self._reopened()
            reopening, opened = True, loop.time()
            await asyncio.shield(self._link.lost)
            log.warning("Redis is away", link=self._name, reason=self._link.fault)
            self._link = None
            if loop.time() - opened >= SETTLED_SECONDS:
                self._pause = FIRST_PAUSE_SECONDS
            await self._rest()

    async def _open_at_last(self) -> Link:
        told = ""
        while True:
            try:
                return await self._open_link()
            except Unavailable as error:
                if error.text != told:
                    told = error.text
                    log.warning("Redis cannot be reached", link=self._name, reason=told)
            except Exception:
                log.exception("Redis cannot be reached; trying again", link=self._name)
            await self._rest()

    async def _rest(self) -> None:
        pause = self._pause * _random.uniform(0.5, 1)
        self._pause = min(self._pause * 2, MAX_PAUSE_SECONDS)
        await asyncio.sleep(pause)
