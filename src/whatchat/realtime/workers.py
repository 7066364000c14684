"""Tasks that are kept for the next work: making one costs more than most commands do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Final

from whatchat.realtime.tasks import Tasks

MOST_PARKED: Final = 256

Work = Callable[[], Awaitable[None]]


class Workers:
    """Runs each work in a task, of which at most :data:`MOST_PARKED` wait for more."""

    __slots__ = ("_parked", "_tasks")

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._parked: list[asyncio.Future[Work]] = []

    def run(self, work: Work) -> None:
        """Begin a work at the loop's next turn."""
        while self._parked:
            parked = self._parked.pop()
            if not parked.done():  # as those are whose tasks have been ended
                parked.set_result(work)
                return
        # Whatever context this is called in is none of the work that comes later.
        Context().run(self._tasks.spawn, self._serve(work), name="worker")

    async def _serve(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        await work()
        del work  # whom it was for may leave while this waits
        while len(self._parked) < MOST_PARKED:
            parked = loop.create_future()
            self._parked.append(parked)
            await (await parked)()
