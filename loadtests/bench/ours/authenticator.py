"""Who a token speaks for, where nothing is ever revoked."""

from collections.abc import Callable

from whatchat.domain.actor import Actor
from whatchat.domain.ids import GrantId
from whatchat.features.accounts.access_tokens import AccessTokens


class SignedTokens:
    """Implements ``Authenticator`` on the tokens alone."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    async def authenticate(self, token: str, address: str) -> Actor:
        claims = self._tokens.verify(token)
        return Actor(
            user_id=claims.sub,
            device_id=claims.did,
            grant_id=claims.gid,
            expires_at=claims.exp,
            address=address,
        )

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        """Nothing is."""
