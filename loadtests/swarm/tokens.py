"""The access tokens with which the people of a load test come."""

from datetime import UTC, datetime

from whatchat.domain.ids import DeviceId, GrantId, UserId, random_id
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.keys import KeyRing


class Tokens:
    """Signs them as the server would, with its ``WHATCHAT_JWT_SECRET``.

    Nobody's password is asked for, so that 10,000 people sign in within a second and not within
    the quarter of an hour that hashing takes.
    """

    def __init__(self, secret: str) -> None:
        self._issuer = AccessTokens(KeyRing.of_secret(secret.encode()))

    def token(self, user_id: UserId, device_id: str = "load") -> str:
        """A fresh one, good for a quarter of an hour."""
        return self._issuer.issue(
            user_id,
            DeviceId(device_id),
            GrantId(random_id()),
            jti=random_id(),
            at=datetime.now(UTC),
        )
