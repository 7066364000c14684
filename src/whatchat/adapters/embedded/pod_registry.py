"""The registry of pods that share one process."""

from collections.abc import Callable, Sequence
from time import monotonic

from whatchat.domain.ports.pod_registry import KNOWN_SECONDS, MAX_KNOWN, Told


class InProcessPodRegistry:
    """Implements ``PodRegistry`` over a monotonic clock, in seconds."""

    def __init__(
        self, clock: Callable[[], float] = monotonic, *, known_seconds: float = KNOWN_SECONDS
    ) -> None:
        self._clock = clock
        self._known_seconds = known_seconds
        self._notes: dict[str, tuple[float, bytes]] = {}

    async def tell(self, pod: str, note: bytes) -> None:
        self._forget()
        self._notes[pod] = self._clock(), note

    async def leave(self, pod: str) -> None:
        self._notes.pop(pod, None)

    async def all(self) -> Sequence[Told]:
        self._forget()
        now = self._clock()
        latest = sorted(self._notes.items(), key=lambda one: one[1][0], reverse=True)[:MAX_KNOWN]
        return [
            Told(pod=pod, note=note, silent_ms=int((now - at) * 1000))
            for pod, (at, note) in sorted(latest)
        ]

    def _forget(self) -> None:
        oldest = self._clock() - self._known_seconds
        self._notes = {pod: told for pod, told in self._notes.items() if told[0] > oldest}
