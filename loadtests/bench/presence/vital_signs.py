"""How a loop does while it has a lot to do."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from whatchat.domain.tasks import ended

TICK_SECONDS: Final = 0.005
SAY_SECONDS: Final = 0.02


class VitalSigns:
    """While entered: the longest stall of the loop, and how long each message took, in seconds."""

    def __init__(self, say: Callable[[], Awaitable[None]]) -> None:
        self.longest_stall = 0.0
        self.took: list[float] = []
        self._say = say
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._tick()), asyncio.create_task(self._talk())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            await ended(task)

    def percentile(self, share: float) -> float:
        """So many of the messages took no longer."""
        took = sorted(self.took) or [0.0]
        return took[min(len(took) - 1, int(len(took) * share))]

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.longest_stall = max(self.longest_stall, loop.time() - due)

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + SAY_SECONDS
            await self._say()
            self.took.append(loop.time() - due + SAY_SECONDS)
            await asyncio.sleep(max(0.0, due - loop.time()))
