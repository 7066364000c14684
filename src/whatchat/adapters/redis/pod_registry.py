"""The registry of pods that all pods share."""

from collections.abc import Sequence
from typing import Final

from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Servers
from whatchat.domain.ports.pod_registry import KNOWN_SECONDS, MAX_KNOWN, Told

_TELL: Final = Script("pod_tell")
_KNOWN: Final = Script("pods_known")


class RedisPodRegistry:
    """Implements ``PodRegistry`` by Redis' clock."""

    def __init__(
        self, servers: Servers, keys: Keys, *, known_seconds: float = KNOWN_SECONDS
    ) -> None:
        self._servers = servers
        self._keys = keys.pods("heard"), keys.pods("notes")
        self._known_millis = round(known_seconds * 1000)

    async def tell(self, pod: str, note: bytes) -> None:
        await _TELL.run(self._servers, self._keys, pod, note, self._known_millis)

    async def leave(self, pod: str) -> None:
        await _TELL.run(self._servers, self._keys, pod, b"", self._known_millis)

    async def all(self) -> Sequence[Told]:
        found = await _KNOWN.run(self._servers, self._keys, self._known_millis, MAX_KNOWN)
        told = [
            Told(pod=pod.decode(errors="replace"), note=note, silent_ms=max(0, silent_ms))
            for pod, note, silent_ms in found
        ]
        return sorted(told, key=lambda one: one.pod)
