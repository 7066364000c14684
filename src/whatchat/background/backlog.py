"""How much work waits, and how much was given up on."""

from typing import Final

from whatchat.domain.ports.work_queue import WorkQueue
from whatchat.observability.metrics import Metrics

NAME: Final = "backlog"
ROUND_SECONDS: Final = 5.0


class Backlog:
    """Has the metrics say how it stands with the queue, anew every ``ROUND_SECONDS``.

    Each worker does, and all say the same. While the queue is away they say what was last known.
    """

    name = NAME
    busy = False

    def __init__(self, queue: WorkQueue, metrics: Metrics) -> None:
        self._queue = queue
        self._metrics = metrics

    async def step(self, *, more: bool) -> float:
        if more:
            standings = await self._queue.standings()
            for standing in standings:
                self._metrics.work_waiting.labels(standing.group).set(standing.waiting)
            self._metrics.dead_letters.set(sum(standing.put_aside for standing in standings))
        return ROUND_SECONDS

    async def close(self) -> None:
        """Nothing to do: it has nothing."""
