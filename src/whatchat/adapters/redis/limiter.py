"""The limiter that all pods share."""

from collections.abc import Callable
from typing import Final

from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.link import Argument
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Servers
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.limiter import Limiter, Quota
from whatchat.observability.metrics import Metrics

_CHARGE: Final = Script("gcra")


class RedisLimiter:
    """Implements ``Limiter`` by Redis' clock; while Redis is away ``fallback`` decides alone.

    ``clock`` replaces Redis' own, in seconds.
    """

    def __init__(
        self,
        servers: Servers,
        keys: Keys,
        fallback: Limiter,
        metrics: Metrics,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._servers = servers
        self._keys = keys
        self._fallback = fallback
        self._metrics = metrics
        self._clock = clock

    async def charge(self, key: str, quota: Quota, cost: int = 1) -> int:
        arguments: list[Argument] = [repr(quota.rate), quota.burst, cost]
        if self._clock is not None:
            arguments.append(repr(self._clock()))
        try:
            return int(await _CHARGE.run(self._servers, (self._keys.limit(key),), *arguments))
        except Unavailable:
            self._metrics.limiter_fallbacks.inc()
            return await self._fallback.charge(key, quota, cost)
