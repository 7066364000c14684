"""What all pods count together."""

from collections.abc import Callable, Sequence
from typing import Final

from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Servers
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id
from whatchat.domain.ports.tally import Tally
from whatchat.observability.metrics import Metrics

_TALLY: Final = Script("tally")


class RedisTally:
    """Implements ``Tally`` by Redis' clock; while Redis is away ``fallback`` counts alone.

    ``clock`` replaces Redis' own, in seconds.
    """

    def __init__(
        self,
        servers: Servers,
        keys: Keys,
        fallback: Tally,
        metrics: Metrics,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._servers = servers
        self._keys = keys
        self._fallback = fallback
        self._metrics = metrics
        self._clock = clock

    async def add(
        self, key: str, *, seconds: int, most: int, member: str | None = None, times: int = 1
    ) -> int:
        anonymous = (random_id() for _ in range(min(times, most)))
        members = list(anonymous) if member is None else [member]
        try:
            return await self._run(key, seconds, most, members)
        except Unavailable:  # or full, or a replica
            self._metrics.tally_fallbacks.inc()
            return await self._fallback.add(
                key, seconds=seconds, most=most, member=member, times=times
            )

    async def count(self, key: str, *, seconds: int, member: str | None = None) -> int:
        try:
            return await self._run(key, seconds, 0, () if member is None else (member,))
        except Unavailable:
            self._metrics.tally_fallbacks.inc()
            return await self._fallback.count(key, seconds=seconds, member=member)

    async def _run(self, key: str, seconds: int, most: int, members: Sequence[str]) -> int:
        now = "" if self._clock is None else repr(self._clock())
        name = (self._keys.tally(key),)
        return int(await _TALLY.run(self._servers, name, now, seconds, most, *members))
