"""What commands are charged, and who hears of it when that is too much."""

from collections.abc import Sequence

from msgspec.structs import replace

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import Cost
from whatchat.domain.errors import RateLimited
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.limiter import Charge, Limiter
from whatchat.domain.rates import Rates
from whatchat.entrypoints.limit_hits import LimitHits
from whatchat.entrypoints.quotas import (
    CHARGED_HERE,
    DIMENSIONS,
    QUOTAS,
    USER_QUOTAS,
    charges_of,
    network_owner,
    user_owner,
    weight,
)
from whatchat.entrypoints.waits import Waits
from whatchat.observability.metrics import Metrics


class Limits:
    """Charges commands, before they are decoded: nonsense costs as much as sense.

    Verdicts are counted, and what is refused is told to the audit trail: the first at once,
    more of the same caller and class together.
    """

    def __init__(self, limiter: Limiter, metrics: Metrics, trail: AuditTrail) -> None:
        self._limiter = limiter
        self._rates = Rates()
        self._waits = Waits()
        self._hits = LimitHits(trail)
        self._verdicts = metrics.limiter_verdicts
        self._allowed = {cost: metrics.limiter_verdicts.labels(cost, "allowed") for cost in QUOTAS}
        for cost in QUOTAS:
            metrics.limiter_verdicts.labels(cost, "refused")

    async def charge(self, cost: Cost, caller: Actor | Visitor, fields: object = None) -> None:
        """Charge a command that says ``fields``. Raises ``RateLimited`` if it is too much."""
        if cost in CHARGED_HERE:
            self.charge_here(cost, caller)
            return
        units, whose = weight(fields), _whose(cost, caller)
        wait = self._waits.left(whose, units)
        if not wait:
            wait = await self._limiter.charge(charges_of(cost, caller, units))
            if not wait:
                self._allowed[cost].inc()
                return
            self._waits.begin(whose, units, wait)
        if self._hits.note(cost, caller):
            dimension = await self._dimension(charges_of(cost, caller, units))
            self._hits.tell(cost, caller, dimension)
        self._refuse(cost, wait)

    def charge_here(self, cost: Cost, caller: Actor | Visitor) -> None:
        """The same for what is in ``CHARGED_HERE``."""
        if isinstance(caller, Actor):
            owner, dimension = user_owner(caller.user_id), "user"
        else:
            owner, dimension = network_owner(caller.address), "network"
        if wait := self._rates.take(f"{cost}:{owner}", USER_QUOTAS[cost]):
            if self._hits.note(cost, caller):
                self._hits.tell(cost, caller, dimension)
            self._refuse(cost, wait)
        self._allowed[cost].inc()

    def hit(self, limit: str, dimension: str, caller: Actor | Visitor) -> None:
        """Count and tell of a limit that is kept elsewhere."""
        self._verdicts.labels(limit, "refused").inc()
        if self._hits.note(limit, caller):
            self._hits.tell(limit, caller, dimension)

    def close(self) -> None:
        """Tell what is counted and not told yet."""
        self._hits.close()

    def _refuse(self, cost: Cost, wait: int) -> None:
        self._verdicts.labels(cost, "refused").inc()
        raise RateLimited(retry_after_ms=wait)

    async def _dimension(self, charges: Sequence[Charge]) -> str:
        """Which of them a refused command has to wait for longest."""
        if len(charges) < len(DIMENSIONS):
            return DIMENSIONS[-1]
        waits = [await self._limiter.charge((replace(charge, cost=0),)) for charge in charges]
        return DIMENSIONS[waits.index(max(waits))]


def _whose(cost: Cost, caller: Actor | Visitor) -> tuple[str, ...]:
    if isinstance(caller, Actor):
        return cost, caller.address, caller.user_id, caller.device_id
    return cost, caller.address
