"""How many tokens that are no good are answered as such."""

from collections.abc import Callable
from typing import Final

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act
from whatchat.domain.errors import RateLimited, Unauthenticated
from whatchat.domain.ids import GrantId
from whatchat.domain.networks import network_of
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.authenticator import Authenticator
from whatchat.domain.ports.limiter import Quota
from whatchat.domain.rates import Rates

BAD_TOKENS: Final = Quota(rate=1, burst=200)
"""Of one network, on each pod."""


class BadTokens:
    """Counts tokens that were refused; above the quota, whoever sends more has to wait.

    Good tokens of the same network stay good: many people may share it.
    """

    def __init__(self, trail: AuditTrail, *, limited: bool = True) -> None:
        self._trail = trail
        self._limited = limited
        self._rates = Rates()

    def refused(self, address: str) -> None:
        """Count one. Raises ``RateLimited`` if it is one too many."""
        if not self._limited:
            return
        if wait := self._rates.take(network_of(address), BAD_TOKENS):
            act = Act(kind="limit.hit", outcome=RateLimited.code, detail="bad_token:network")
            self._trail.mention(Visitor(address=address), act)
            raise RateLimited(retry_after_ms=wait) from None


class CountingAuthenticator:
    """Implements ``Authenticator`` on another one; tokens that it refuses are counted."""

    def __init__(self, authenticator: Authenticator, bad_tokens: BadTokens) -> None:
        self._authenticator = authenticator
        self._bad_tokens = bad_tokens

    async def authenticate(self, token: str, address: str) -> Actor:
        try:
            return await self._authenticator.authenticate(token, address)
        except Unauthenticated:
            self._bad_tokens.refused(address)
            raise

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        self._authenticator.when_revoked(notify)
