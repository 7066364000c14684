"""The session registry for pods that share one process."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import NamedTuple

from whatchat.adapters.embedded.presence_registry import InProcessPresenceRegistry
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.ports.presence_registry import GRACE_SECONDS, PresenceRegistry
from whatchat.domain.ports.session_registry import Session


class _Lease(NamedTuple):
    session: Session
    ends: float


class InProcessSessionRegistry:
    """Leases over a monotonic clock, in seconds; share one instance between the pods.

    ``grace_seconds`` replaces what presence promises.
    """

    presence: PresenceRegistry

    def __init__(
        self, clock: Callable[[], float] = monotonic, *, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._presence = InProcessPresenceRegistry(clock)
        self.presence = self._presence
        # In the order of their latest renewal, so that what has ended is found in front.
        self._leases: dict[SessionId, _Lease] = {}
        self._by_user: dict[UserId, dict[SessionId, None]] = {}

    async def open(self, session: Session, *, lease_seconds: int) -> None:
        self._drop_ended()
        self._leases.pop(session.session_id, None)
        ends = self._clock() + lease_seconds
        self._leases[session.session_id] = _Lease(session, ends)
        self._by_user.setdefault(session.user_id, {})[session.session_id] = None
        self._presence.enter(session.user_id, ends)

    async def renew(
        self, session_ids: Sequence[SessionId], *, lease_seconds: int
    ) -> list[SessionId]:
        self._drop_ended()
        ends = self._clock() + lease_seconds
        unknown = []
        for session_id in session_ids:
            if lease := self._alive(session_id):
                del self._leases[session_id]
                self._leases[session_id] = _Lease(lease.session, ends)
                self._presence.extend(lease.session.user_id, ends)
            else:
                unknown.append(session_id)
        return unknown

    async def close(self, session_id: SessionId) -> None:
        self._drop_ended()
        lease = self._leases.get(session_id)
        if lease is None:
            return
        self._remove(session_id)
        user_id = lease.session.user_id
        now, others = self._clock(), self._by_user.get(user_id, ())
        left = [ends for one in others if (ends := self._leases[one].ends) > now]
        ends = max([now + self._grace_seconds, *left])
        self._presence.leave(user_id, ends, is_last=not left)

    async def of_user(self, user_id: UserId) -> list[Session]:
        leases = map(self._alive, self._by_user.get(user_id, ()))
        return [lease.session for lease in leases if lease]

    def _alive(self, session_id: SessionId) -> _Lease | None:
        lease = self._leases.get(session_id)
        return lease if lease and lease.ends > self._clock() else None

    def _drop_ended(self) -> None:
        now = self._clock()
        while self._leases:
            session_id, lease = next(iter(self._leases.items()))
            if lease.ends > now:
                return
            self._remove(session_id)

    def _remove(self, session_id: SessionId) -> None:
        lease = self._leases.pop(session_id, None)
        if lease is None:
            return
        sessions = self._by_user[lease.session.user_id]
        del sessions[session_id]
        if not sessions:
            del self._by_user[lease.session.user_id]
