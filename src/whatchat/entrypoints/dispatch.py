"""The one way in: every command, whatever carried it, passes here."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, NoReturn

import msgspec
import structlog

from whatchat.domain.actor import Actor, Caller, Operator, Visitor
from whatchat.domain.contract import BoundEndpoint, Command
from whatchat.domain.errors import ChatError, Forbidden, RateLimited, Unauthenticated, Unavailable
from whatchat.entrypoints.decoding import decode_command
from whatchat.entrypoints.limits import Limits
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import OFF, Tracing, current_span

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
        limits: Limits | None,
        *,
        flights: FlightRecorder | None = None,
        tracing: Tracing = OFF,
        deadline_seconds: float = DEADLINE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metrics = metrics
        self._limits = limits
        self._flights = flights or FlightRecorder()
        self._tracing = tracing
        self._deadline_seconds = deadline_seconds
        self._clock = clock

    def begin(
        self, endpoint: BoundEndpoint, caller: Actor, fields: object
    ) -> "asyncio.Future[None] | None":
        """As :meth:`submit`, over a socket, for rows that can be begun; ``None`` for others."""
        row, start = endpoint.row, time.perf_counter()
        if row.begin is None:
            return None
        name = row.command.__name__
        try:
            self._authorise(endpoint, caller)
            if self._limits is not None:
                self._limits.charge_here(row.cost, caller)
            future = row.begin(endpoint.service, caller, _decoded(row.command, fields))
        except ChatError as error:
            self._record(name, error.code, start, caller, "socket", often=True)
            raise
        except Exception:
            log.exception("command failed", command=name)
            self._record(name, Unavailable.code, start, caller, "socket", often=True)
            raise Unavailable from None
        future.add_done_callback(partial(self._begun, name, start, caller))
        return future

    def _begun(
        self, name: str, start: float, caller: Actor, future: "asyncio.Future[None]"
    ) -> None:
        outcome = "cancelled"
        if not future.cancelled():
            error = future.exception()
            outcome = "ok" if error is None else getattr(error, "code", Unavailable.code)
            if error is not None and not isinstance(error, ChatError):
                log.error("command failed", command=name, exc_info=error)
        self._record(name, outcome, start, caller, "socket", often=True)

    async def submit(
        self,
        endpoint: BoundEndpoint,
        caller: Caller,
        fields: object,
        *,
        via: Via,
        lax: bool = False,
    ) -> Any:
        """Run what ``fields`` say; ``lax`` as in :func:`decode_command`.

        Charged before it is decoded: nonsense costs as much as sense. Operators are not.
        """
        row = endpoint.row
        with self._observed(row.command.__name__, caller, via):
            caller = self._authorise(endpoint, caller)
            async with asyncio.timeout(self._deadline_seconds):
                if self._limits is not None and not isinstance(caller, Operator):
                    await self._limits.charge(row.cost, caller, fields)
                return await endpoint(caller, decode_command(row.command, fields, lax=lax))

    async def refuse(self, caller: Caller, refusal: ChatError, *, via: Via) -> NoReturn:
        """Charge and record what names no command, or cannot be read as one."""
        with self._observed("unknown", caller, via):
            async with asyncio.timeout(self._deadline_seconds):
                if self._limits is not None and not isinstance(caller, Operator):
                    await self._limits.charge("command", caller)
            raise refusal

    def _authorise(self, endpoint: BoundEndpoint, caller: Caller) -> Caller:
        row = endpoint.row
        if row.public:
            return Visitor(address=caller.address)
        if isinstance(caller, Operator) and row.scope is not None:
            if row.scope == "write" and caller.scope == "read":
                raise Forbidden("this token may only read")
            return caller
        if not isinstance(caller, Actor) or row.scope or caller.expires_at <= self._clock():
            raise Unauthenticated
        return caller

    @contextmanager
    def _observed(self, name: str, caller: Caller, via: Via) -> Iterator[None]:
        """Trace, count, time and log what happens inside; let out nothing but ChatErrors."""
        start = time.perf_counter()
        outcome = "cancelled"
        with self._tracing.command(name):
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
                self._record(name, outcome, start, caller, via)

    def _record(
        self,
        name: str,
        outcome: str,
        start: float,
        caller: Caller,
        via: Via,
        *,
        often: bool = False,
    ) -> None:
        seconds = time.perf_counter() - start
        self._metrics.commands.labels(name, outcome).inc()
        exemplar = None
        if span := current_span():
            span.of_command(name, via, outcome)
            exemplar = span.exemplar
        self._metrics.command_seconds.labels(name).observe(seconds, exemplar)
        if isinstance(caller, Actor) and caller.session_id is not None:
            self._flights.command(caller.session_id, name, outcome, seconds)
        # Floods are counted, and the audit log is told: a line for each would help whoever floods.
        say = log.debug if often or outcome == RateLimited.code else log.info
        say(
            "command",
            command=name,
            outcome=outcome,
            duration_ms=round(seconds * 1000, 2),
            user_id=caller.user_id if isinstance(caller, Actor) else None,
            via=via,
        )


def _decoded(kind: type[Command], fields: object) -> Command:
    """As :func:`decode_command`, whose care is needed only for what cannot be decoded."""
    try:
        return msgspec.convert(fields, kind)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        return decode_command(kind, fields)
