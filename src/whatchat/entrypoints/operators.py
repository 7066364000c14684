"""Who may use the admin API, and the record of every use."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from whatchat.domain.actor import Caller, Operator, Scope
from whatchat.domain.audit import Act, party
from whatchat.domain.contract import Endpoint
from whatchat.domain.errors import RateLimited, Unauthenticated
from whatchat.domain.ids import ID_PATTERN
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.limiter import Charge, Limiter, Quota
from whatchat.entrypoints.http import Outcomes
from whatchat.entrypoints.quotas import network_owner
from whatchat.observability.metrics import Metrics

BAD_TOKENS: Final = Quota(rate=0.2, burst=20)
"""From one network; whoever has used it up has no token looked at, a good one neither."""

ASKED_AGAIN_SECONDS: Final = 3_600.0
MAX_ASKED: Final = 10_000
"""So many questions are remembered; one forgotten is recorded again."""

_ID: Final = re.compile(ID_PATTERN)
_UNHEARD: Final = frozenset({"unauthenticated", "rate_limited"})
_OBJECTS: Final = {
    "userId": "user_id",
    "roomId": "room_id",
    "messageId": "message_id",
    "reportId": "report_id",
}

_LOOKED_AT: Final = ("pod", "roomId", "userId", "socket", "messageId", "state")
"""What makes a question of the debug API another one; its further pages are not."""


class OperatorTokens:
    """Knows operators by the tokens that the settings name, each with its scope."""

    def __init__(self, tokens: Mapping[Scope, str], limiter: Limiter | None) -> None:
        self._digests = {scope: _digest(token.encode()) for scope, token in tokens.items()}
        self._limiter = limiter

    async def authenticate(self, token: str, address: str) -> Operator:
        """Whose token it is; ``Unauthenticated``, ``RateLimited`` after too many bad ones.

        Compared in the same time whatever it is.
        """
        await self._charge(address, 0)
        scope = self._scope_of(token)
        if scope is None:
            await self._charge(address, 1)
            raise Unauthenticated
        return Operator(address=address, scope=scope)

    def _scope_of(self, token: str) -> Scope | None:
        digest = _digest(token.encode("latin-1", "replace"))  # as the header's bytes were read
        found: Scope | None = None
        for scope, known in self._digests.items():
            if hmac.compare_digest(digest, known):
                found = scope
        return found

    async def _charge(self, address: str, cost: int) -> None:
        if self._limiter is None:
            return
        owner = network_owner(address)
        charge = Charge(key="operator", quota=BAD_TOKENS, cost=cost, owner=owner)
        if wait := await self._limiter.charge((charge,)):
            raise RateLimited(retry_after_ms=wait)


class OperatorRecords:
    """Tells the audit log of every call, with what its path names.

    A call is recorded before it is answered, and not answered if it cannot be. Those without
    a good token are mentioned, and their words left out: a stranger is to fill neither the log
    nor the time of others.
    """

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def __call__(
        self, row: Endpoint, caller: Caller, named: Mapping[str, str], outcome: Outcomes
    ) -> None:
        act = Act(kind="admin.called", outcome=outcome, detail=row.http)
        if outcome in _UNHEARD:
            self._trail.mention(party(caller), act)
        else:
            await self._trail.record(party(caller), replace(act, **_objects(named)))


class DebugRecords:
    """Counts what is asked of the debug API, and tells the audit log what is looked at.

    Dashboards ask again every few seconds. So the same question, of the same thing with the
    same outcome, from the same network address with a token of the same scope, is recorded
    once an hour; before it is answered, as other calls of operators are.
    """

    def __init__(
        self,
        records: OperatorRecords,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._metrics = metrics
        self._clock = clock
        self._until: dict[tuple[object, ...], float] = {}

    async def __call__(
        self, row: Endpoint, caller: Caller, named: Mapping[str, str], outcome: Outcomes
    ) -> None:
        self._metrics.debug_queries.labels(outcome).inc()
        if not isinstance(caller, Operator):
            await self._records(row, caller, named, outcome)
            return
        looked_at = [f"{name}={named[name]}" for name in _LOOKED_AT if name in named]
        key = (row.http, caller.scope, caller.address, outcome, *looked_at)
        now = self._clock()
        if self._until.get(key, 0.0) > now:
            return
        await self._records(row, caller, named, outcome)
        self._until.pop(key, None)
        self._until[key] = now + ASKED_AGAIN_SECONDS
        if len(self._until) > MAX_ASKED:
            del self._until[next(iter(self._until))]


def _objects(named: Mapping[str, str]) -> dict[str, str]:
    """What a path or a query names, as far as it can be an id."""
    return {
        _OBJECTS[name]: value
        for name, value in named.items()
        if name in _OBJECTS and _ID.match(value)
    }


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
