"""What is done about an anomaly."""

import asyncio
from typing import Final

import structlog

from whatchat.anomalies.rule import Rule
from whatchat.anomalies.sighting import Subject
from whatchat.domain.audit import SERVER, Act, Party
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import UserId
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.ports.moderation import Moderation
from whatchat.observability.metrics import Metrics

ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 1.0

log = structlog.get_logger("whatchat.anomalies")


class Remedies:
    """Does what the rules say. Without a limiter nobody is slowed down."""

    def __init__(
        self,
        moderation: Moderation,
        limiter: Limiter | None,
        trail: AuditTrail,
        metrics: Metrics,
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._moderation = moderation
        self._limiter = limiter
        self._trail = trail
        self._metrics = metrics
        self._pause_seconds = pause_seconds

    async def apply(self, rule: Rule, subject: Subject) -> None:
        """Tell of an anomaly, and do what its rule says."""
        self._metrics.anomalies.labels(rule.name, rule.action).inc()
        self._tell(rule, subject)
        if subject.user_id is None:
            return
        if rule.action == "slow_down":
            await self._slow_down(rule, subject.user_id)
        elif rule.action == "sign_out":
            await self._sign_out(subject.user_id)

    def _tell(self, rule: Rule, subject: Subject) -> None:
        """The audit log has the network, the process' own log has no addresses."""
        self._trail.mention(
            Party(role="server", address=subject.network),
            Act(
                kind="anomaly.found",
                user_id=subject.user_id,
                device_id=subject.device_id,
                detail=rule.name,
            ),
        )
        say = log.info if rule.action == "log" else log.warning
        say("anomaly", rule=rule.name, action=rule.action, user_id=subject.user_id)

    async def _slow_down(self, rule: Rule, user_id: UserId) -> None:
        if self._limiter is not None:
            await self._limiter.slow_down(
                f"user:{user_id}", factor=rule.slow_factor, seconds=rule.slow_seconds
            )

    async def _sign_out(self, user_id: UserId) -> None:
        """Tried again while the store is away; somebody without an account is passed over."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._moderation.sign_out(user_id, by=SERVER)
            except NotFound:
                return
            except Unavailable:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(self._pause_seconds)
            else:
                return
