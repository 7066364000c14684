"""The limiter that all pods share."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Final

from msgspec.structs import replace

from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.link import Argument
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Servers, run_one
from whatchat.adapters.redis.slots import slot_of
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.limiter import Charge, Limiter
from whatchat.observability.metrics import Metrics

_CHARGE: Final = Script("limits_charge")


class RedisLimiter:
    """Implements ``Limiter`` by Redis' clock; while Redis is away ``fallback`` decides alone.

    The quotas of one owner are on one server. On a cluster, charges of several owners are
    made at the same time, and given back where another did not fit: for that moment they
    may keep others waiting. ``clock`` replaces Redis' own, in seconds.
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

    async def charge(self, charges: Sequence[Charge]) -> int:
        if not self._servers.sharded:
            return await self._charge(charges)
        if len(self._by_slot(charges)) == 1:
            return await self._charge(charges)
        # What gives back does so only once all others fit.
        shares = self._by_slot([charge for charge in charges if charge.cost >= 0])
        waits = await asyncio.gather(*(self._charge(share) for share in shares))
        longest = max(waits, default=0)
        if longest:
            taken = (share for share, wait in zip(shares, waits, strict=True) if not wait)
            await asyncio.gather(*(self._give_back(share) for share in taken))
            return longest
        given = self._by_slot([charge for charge in charges if charge.cost < 0])
        await asyncio.gather(*map(self._charge, given))
        return 0

    async def slow_down(self, owner: str, *, factor: int, seconds: int) -> None:
        await self._fallback.slow_down(owner, factor=factor, seconds=seconds)
        key = self._keys.slowness(owner)
        try:
            await run_one(self._servers, key, "SET", key, factor, "EX", seconds)
        except Unavailable:
            self._metrics.limiter_fallbacks.inc()

    async def forgive(self, owner: str) -> None:
        await self._fallback.forgive(owner)
        key = self._keys.slowness(owner)
        await run_one(self._servers, key, "DEL", key)

    async def factor_of(self, owner: str) -> int:
        key = self._keys.slowness(owner)
        try:
            return int(await run_one(self._servers, key, "GET", key) or 1)
        except Unavailable:
            return await self._fallback.factor_of(owner)

    async def _charge(self, charges: Sequence[Charge]) -> int:
        """Charge what one server has."""
        keys, arguments = self._request(charges)
        try:
            return int(await _CHARGE.run(self._servers, keys, *arguments))
        except Unavailable:  # or full, or a replica
            self._metrics.limiter_fallbacks.inc()
            return await self._fallback.charge(charges)

    async def _give_back(self, charges: Sequence[Charge]) -> None:
        taken = [replace(charge, cost=-charge.cost) for charge in charges if charge.cost > 0]
        if taken:
            await self._charge(taken)

    def _request(self, charges: Sequence[Charge]) -> tuple[tuple[bytes, ...], list[Argument]]:
        """The keys and arguments of the script."""
        keys = [self._keys.limit(charge.owner, charge.key) for charge in charges]
        slow: dict[str, int] = {}
        arguments: list[Argument] = ["" if self._clock is None else repr(self._clock())]
        arguments.append(len(charges))
        for charge in charges:
            place = 0
            if charge.owner and not (place := slow.get(charge.owner, 0)):
                keys.append(self._keys.slowness(charge.owner))
                place = slow[charge.owner] = len(keys)
            quota = charge.quota
            arguments += (repr(quota.rate), quota.burst, repr(charge.cost), place)
        return tuple(keys), arguments

    def _by_slot(self, charges: Sequence[Charge]) -> Collection[Sequence[Charge]]:
        shares: dict[int, list[Charge]] = defaultdict(list)
        for charge in charges:
            shares[slot_of(self._keys.limit(charge.owner, charge.key))].append(charge)
        return shares.values()
