"""How a pod looks at itself, and is asked to end."""

import asyncio

from whatchat import __version__
from whatchat.domain.ports.pod_life import PodState
from whatchat.entrypoints.probes import Readiness


class PodControl:
    """Implements ``PodLife``; ``asked_to_end`` is set where SIGTERM would have been sent."""

    def __init__(self, name: str, readiness: Readiness) -> None:
        self.asked_to_end = asyncio.Event()
        self._name = name
        self._readiness = readiness

    async def state(self) -> PodState:
        dependencies = await self._readiness.dependencies()
        draining = self.asked_to_end.is_set() or not self._readiness.accepting
        return PodState(
            name=self._name,
            version=__version__,
            ready=not draining and all(answer == "ok" for answer in dependencies.values()),
            draining=draining,
        )

    def end(self) -> None:
        self.asked_to_end.set()
