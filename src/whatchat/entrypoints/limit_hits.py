"""What the audit log is told of limits."""

import asyncio
from dataclasses import dataclass
from typing import Final

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.entrypoints.quotas import network_owner, user_owner

WINDOW_SECONDS: Final = 60.0
MAX_CALLERS: Final = 10_000

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Hits:
    caller: Actor | Visitor
    detail: str
    more: int
    timer: asyncio.TimerHandle


class LimitHits:
    """Tells of a caller's first hit of a limit at once, and of more of the same in one record.

    That follows a minute after the first. Above ``MAX_CALLERS`` at a time, those who come to
    it are not told of.
    """

    def __init__(self, trail: AuditTrail, *, seconds: float = WINDOW_SECONDS) -> None:
        self._trail = trail
        self._seconds = seconds
        self._hits: dict[_Key, _Hits] = {}

    def note(self, limit: str, caller: Actor | Visitor) -> bool:
        """Count a hit; true if it is to be told now, by :meth:`tell`."""
        key = _key(limit, caller)
        if hits := self._hits.get(key):
            hits.more += 1
            return False
        if len(self._hits) >= MAX_CALLERS:
            return False
        timer = asyncio.get_running_loop().call_later(self._seconds, self._end, key)
        self._hits[key] = _Hits(caller, limit, 0, timer)
        return True

    def tell(self, limit: str, caller: Actor | Visitor, dimension: str) -> None:
        """Tell of a first hit: ``dimension`` is what was too busy."""
        detail = f"{limit}:{dimension}"
        if hits := self._hits.get(_key(limit, caller)):
            hits.detail = detail
        self._mention(caller, detail, 1)

    def close(self) -> None:
        """Tell what is counted and not told yet."""
        for key, hits in tuple(self._hits.items()):
            hits.timer.cancel()
            self._end(key)

    def _end(self, key: _Key) -> None:
        hits = self._hits.pop(key)
        if hits.more:
            self._mention(hits.caller, hits.detail, hits.more)

    def _mention(self, caller: Actor | Visitor, detail: str, count: int) -> None:
        self._trail.mention(
            caller, Act(kind="limit.hit", outcome="rate_limited", detail=detail, count=count)
        )


def _key(limit: str, caller: Actor | Visitor) -> _Key:
    if isinstance(caller, Visitor):
        return limit, network_owner(caller.address), ""
    return limit, user_owner(caller.user_id), caller.device_id
