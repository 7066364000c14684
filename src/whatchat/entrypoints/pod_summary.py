"""What a pod tells of itself every few seconds."""

import asyncio
from typing import Final

from msgspec.structs import replace

from whatchat import __version__
from whatchat.domain.debugging import PodSummary
from whatchat.domain.ports.pod_inspection import PodInspection
from whatchat.domain.ports.pod_life import PodLife, PodState
from whatchat.domain.times import Clock, timestamp, utc_now
from whatchat.observability.process import resident_bytes

STATE_SECONDS: Final = 0.5
"""A pod whose store or broker takes longer to answer tells that it is not ready."""


class PodSelf:
    """Sums a pod up."""

    def __init__(
        self, name: str, life: PodLife, inspection: PodInspection, clock: Clock = utc_now
    ) -> None:
        self._life = life
        self._inspection = inspection
        self._clock = clock
        self._started_at = timestamp(clock())
        self._state = PodState(name=name, version=__version__, ready=False, draining=False)

    async def summary(self, lag_seconds: float) -> PodSummary:
        """The pod as it is now, whose loop was just late by so much."""
        state = await self._look()
        sockets, rooms, users = self._inspection.counts()
        return PodSummary(
            pod=state.name,
            at=timestamp(self._clock()),
            version=state.version,
            started_at=self._started_at,
            ready=state.ready,
            draining=state.draining,
            sockets=sockets,
            rooms=rooms,
            users=users,
            loop_lag_ms=round(lag_seconds * 1000, 1),
            memory_bytes=resident_bytes(),
        )

    async def _look(self) -> PodState:
        try:
            async with asyncio.timeout(STATE_SECONDS):
                self._state = await self._life.state()
        except TimeoutError:
            self._state = replace(self._state, ready=False)
        return self._state
