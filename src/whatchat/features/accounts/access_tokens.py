"""Access tokens: JSON Web Tokens by the rules of RFC 8725 and RFC 9068."""

from datetime import datetime
from typing import Final

import jwt
import msgspec
from msgspec import Struct

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.features.accounts.keys import KeyRing, SigningKey

LIFETIME_SECONDS: Final = 900
MAX_LENGTH: Final = 2_048

_TYPE: Final = "at+jwt"


class Claims(Struct, frozen=True, kw_only=True):
    """What an access token says: user ``sub`` on device ``did`` by sign-in ``gid``."""

    iss: str
    aud: str
    sub: UserId
    did: DeviceId
    gid: GrantId
    iat: int
    exp: int
    jti: str


class AccessTokens:
    """Issues and verifies access tokens of :data:`LIFETIME_SECONDS`.

    A token is made of its arguments alone: the same arguments give the same token under
    the same key. Verification takes the algorithm from our key, never from the token.
    """

    def __init__(
        self, keys: KeyRing, *, issuer: str = "whatchat", audience: str = "whatchat"
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._by_header = {_header_segment(key): key for key in keys.all}

    def issue(
        self, user_id: UserId, device_id: DeviceId, grant_id: GrantId, *, jti: str, at: datetime
    ) -> str:
        """A token valid for :data:`LIFETIME_SECONDS` from the whole second of ``at``."""
        issued = int(at.timestamp())
        claims = Claims(
            iss=self._issuer,
            aud=self._audience,
            sub=user_id,
            did=device_id,
            gid=grant_id,
            iat=issued,
            exp=issued + LIFETIME_SECONDS,
            jti=jti,
        )
        key = self._keys.newest
        return jwt.encode(
            msgspec.structs.asdict(claims),
            key.private,
            algorithm=key.algorithm,
            headers=_header(key),
        )

    def verify(self, token: str) -> Claims:
        """What a good token says; the same ``Unauthenticated`` for every other."""
        if len(token) > MAX_LENGTH or not token.isascii():
            raise Unauthenticated
        try:
            # A header as we write it needs no reading.
            key = self._by_header.get(token.partition(".")[0]) or self._key_named_by(token)
            return msgspec.convert(self._payload(token, key), Claims)
        except (jwt.PyJWTError, msgspec.ValidationError):
            raise Unauthenticated from None

    def _key_named_by(self, token: str) -> SigningKey:
        header = jwt.get_unverified_header(token)
        key = self._keys.find(header.get("kid"))
        if key is None or header.get("typ") != _TYPE:
            raise Unauthenticated
        return key

    def _payload(self, token: str, key: SigningKey) -> object:
        return jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=self._issuer,
            audience=self._audience,
            # A pod whose clock is a moment behind must take what another has just issued.
            options={"require": ["exp", "iat"], "strict_aud": True, "verify_iat": False},
        )


def _header(key: SigningKey) -> dict[str, str]:
    return {"typ": _TYPE, "kid": key.kid}


def _header_segment(key: SigningKey) -> str:
    """How the tokens begin that we sign with this key."""
    token = jwt.encode({}, key.private, algorithm=key.algorithm, headers=_header(key))
    return token.partition(".")[0]
