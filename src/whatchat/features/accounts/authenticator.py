"""Who a token speaks for."""

from collections.abc import Callable

from whatchat.domain.actor import Actor
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import GrantId
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.revocations import Revocations


class TokenAuthenticator:
    """Implements ``Authenticator`` on signed tokens, and what this pod knows to be void."""

    def __init__(
        self, tokens: AccessTokens, revocations: Revocations, exclusions: Exclusions
    ) -> None:
        self._tokens = tokens
        self._revocations = revocations
        self._exclusions = exclusions

    async def authenticate(self, token: str, address: str) -> Actor:
        claims = self._tokens.verify(token)
        if claims.gid in self._revocations or claims.sub in self._exclusions:
            raise Unauthenticated
        return Actor(
            user_id=claims.sub,
            device_id=claims.did,
            grant_id=claims.gid,
            expires_at=claims.exp,
            address=address,
        )

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        self._revocations.listen(notify)
