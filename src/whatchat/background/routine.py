"""Work that goes on step by step, whatever fails meanwhile."""

import asyncio
import contextlib
from typing import Final, Protocol

import structlog

from whatchat.domain.errors import ChatError

log = structlog.get_logger("whatchat.background")

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 2.0


class Part(Protocol):
    """Something that has always a next step. What it has in hand outlives a failed step."""

    name: str

    @property
    def busy(self) -> bool:
        """Whether it has anything in hand."""
        ...

    async def step(self, *, more: bool) -> float:
        """Go on with what is in hand, and take ``more`` only if told to.

        Returns the seconds until the next step; raises ``Unavailable`` while something that
        is needed is away.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; no step follows."""
        ...


class Routine:
    """Runs a part. What goes wrong is logged once per kind until a step succeeds again.

    After a failure it rests, longer each time, up to ``LONGEST_PAUSE_SECONDS``.
    """

    def __init__(self, part: Part) -> None:
        self._part = part
        self._finishing = asyncio.Event()
        self._complaints: set[str] = set()
        self._pause = FIRST_PAUSE_SECONDS

    async def run(self) -> None:
        """Take step after step, until told to finish and nothing is in hand; then close."""
        try:
            while not self._finishing.is_set() or self._part.busy:
                await self._rest(await self._step())
        finally:
            await self._close()

    def finish(self) -> None:
        """Take nothing more."""
        self._finishing.set()

    async def _step(self) -> float:
        try:
            pause = await self._part.step(more=not self._finishing.is_set())
        except (ChatError, TimeoutError) as error:
            return self._complain(error, expected=True)
        except Exception as error:  # noqa: BLE001 - logged, and the work goes on
            return self._complain(error, expected=False)
        if self._complaints:
            log.info("background work goes on", part=self._part.name)
        self._complaints.clear()
        self._pause = FIRST_PAUSE_SECONDS
        return pause

    async def _rest(self, pause: float) -> None:
        if self._finishing.is_set():
            return await asyncio.sleep(pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._finishing.wait()
        return None

    async def _close(self) -> None:
        try:
            await self._part.close()
        except ChatError as error:
            log.warning("not let go of properly", part=self._part.name, error=repr(error))

    def _complain(self, error: Exception, *, expected: bool) -> float:
        if (kind := repr(error)) not in self._complaints:
            self._complaints.add(kind)
            told = log.warning if expected else log.exception
            told("background work cannot go on; trying again", part=self._part.name, error=kind)
        pause = self._pause
        self._pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return pause
