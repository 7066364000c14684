"""The one way in: every command, whatever carried it, passes here."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NoReturn

import structlog

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import BoundEndpoint, Cost
from whatchat.domain.errors import ChatError, RateLimited, Unauthenticated, Unavailable
from whatchat.domain.ports.limiter import Limiter
from whatchat.entrypoints.decoding import decode_command
from whatchat.entrypoints.quotas import QUOTAS, quota_key
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import trace

Via = Literal["http", "socket"]

DEADLINE_SECONDS = 10.0

log = structlog.get_logger("whatchat.command")


class Dispatch:
    """Trace, authorise, limit, decode, then the service.

    Guarantees: the answer or a :class:`ChatError`, within the deadline, and nothing else;
    one line in the log and one count per command. After a missed deadline or an unforeseen
    error, both ``unavailable``, the outcome is unknown.
    """

    def __init__(
        self,
        metrics: Metrics,
        limiter: Limiter | None,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metrics = metrics
        self._limiter = limiter
        self._deadline_seconds = deadline_seconds
        self._clock = clock

    async def submit(
        self,
        endpoint: BoundEndpoint,
        caller: Actor | Visitor,
        fields: object,
        *,
        via: Via,
        lax: bool = False,
    ) -> Any:
        """Run what ``fields`` say; ``lax`` as in :func:`decode_command`.

        Charged before it is decoded: nonsense costs as much as sense.
        """
        row = endpoint.row
        with self._observed(row.command.__name__, caller, via):
            caller = self._authorise(endpoint, caller)
            async with asyncio.timeout(self._deadline_seconds):
                await self._charge(row.cost, caller)
                return await endpoint(caller, decode_command(row.command, fields, lax=lax))

    async def refuse(self, caller: Actor, refusal: ChatError, *, via: Via) -> NoReturn:
        """Charge and record what names no command."""
        with self._observed("unknown", caller, via):
            async with asyncio.timeout(self._deadline_seconds):
                await self._charge("command", caller)
            raise refusal

    def _authorise(self, endpoint: BoundEndpoint, caller: Actor | Visitor) -> Actor | Visitor:
        if endpoint.row.public:
            return Visitor(address=caller.address)
        if isinstance(caller, Visitor) or caller.expires_at <= self._clock():
            raise Unauthenticated
        return caller

    async def _charge(self, cost: Cost, caller: Actor | Visitor) -> None:
        if self._limiter is None:
            return
        wait = await self._limiter.charge(quota_key(cost, caller), QUOTAS[cost])
        if wait:
            raise RateLimited(retry_after_ms=wait)

    @contextmanager
    def _observed(self, name: str, caller: Actor | Visitor, via: Via) -> Iterator[None]:
        """Trace, count, time and log what happens inside; let out nothing but ChatErrors."""
        start = time.perf_counter()
        outcome = "cancelled"
        with trace():
            try:
                yield
                outcome = "ok"
            except ChatError as error:
                outcome = error.code
                raise
            except TimeoutError:
                outcome = Unavailable.code
                raise Unavailable from None
            except Exception:
                outcome = Unavailable.code
                log.exception("command failed", command=name)
                raise Unavailable from None
            finally:
                self._record(name, outcome, time.perf_counter() - start, caller, via)

    def _record(
        self, name: str, outcome: str, seconds: float, caller: Actor | Visitor, via: Via
    ) -> None:
        self._metrics.commands.labels(name, outcome).inc()
        self._metrics.command_seconds.labels(name).observe(seconds)
        log.info(
            "command",
            command=name,
            outcome=outcome,
            duration_ms=round(seconds * 1000, 2),
            user_id=caller.user_id if isinstance(caller, Actor) else None,
            via=via,
        )
