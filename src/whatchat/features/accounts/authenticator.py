"""Who a token speaks for."""

from collections.abc import Callable

from whatchat.domain.actor import Actor
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import GrantId
from whatchat.features.accounts.access_tokens import AccessTokens, Claims, UnknownKey
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.external_people import ExternalPeople
from whatchat.features.accounts.key_rotation import KeyRotation
from whatchat.features.accounts.revocations import Revocations


class TokenAuthenticator:
    """Implements ``Authenticator`` on signed tokens, and what this pod knows to be void."""

    def __init__(
        self,
        tokens: AccessTokens,
        revocations: Revocations,
        exclusions: Exclusions,
        *,
        rotation: KeyRotation | None = None,
        external: ExternalPeople | None = None,
    ) -> None:
        self._tokens = tokens
        self._revocations = revocations
        self._exclusions = exclusions
        self._rotation = rotation
        self._external = external

    async def authenticate(self, token: str, address: str) -> Actor:
        # Whoever a token says has made it verifies it, by keys that nobody else's tokens have.
        if self._external is not None and self._external.are_meant_by(token):
            actor = await self._external.actor(token, address)
        else:
            actor = await self._local(token, address)
        if actor.grant_id in self._revocations or actor.user_id in self._exclusions:
            raise Unauthenticated
        return actor

    async def _local(self, token: str, address: str) -> Actor:
        claims = await self._claims(token)
        return Actor(
            user_id=claims.sub,
            device_id=claims.did,
            grant_id=claims.gid,
            expires_at=claims.exp,
            address=address,
        )

    async def _claims(self, token: str) -> Claims:
        try:
            return self._tokens.verify(token)
        except UnknownKey:
            if self._rotation is None:
                raise
        await self._rotation.look_again()
        return self._tokens.verify(token)

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        self._revocations.listen(notify)
