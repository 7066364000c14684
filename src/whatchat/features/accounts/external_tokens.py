"""Access tokens of an issuer elsewhere, by RFC 9068 as far as issuers keep to it."""

import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Annotated, Any, Final

import jwt
import msgspec
from msgspec import Meta, Struct

from whatchat.domain.errors import Unauthenticated
from whatchat.features.accounts.issuer_keys import IssuerKeys

MAX_LENGTH: Final = 8_192
MAX_LIFETIME_SECONDS: Final = 86_400
LEEWAY_SECONDS: Final = 30

_TYPES: Final = {None, "at+jwt", "application/at+jwt", "jwt"}
_OTHER_TYPES: Final = {"id", "refresh", "offline", "logout"}
"""What the claim ``typ`` of Keycloak's other tokens says."""


class ExternalClaims(Struct, frozen=True, kw_only=True):
    """What a token of the issuer says, as far as it matters here."""

    iss: str
    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    exp: int | float
    iat: int | float | None = None
    auth_time: int | float | None = None
    sid: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    preferred_username: Any = None
    name: Any = None
    typ: Any = None
    nonce: Any = None
    at_hash: Any = None
    c_hash: Any = None
    events: Any = None

    @property
    def session(self) -> str | None:
        """What names the issuer's session; the token's own time where nothing else does."""
        for kind in ("sid", "auth_time", "iat"):
            value = getattr(self, kind)
            if value is not None:
                return f"{kind}:{value}"
        return None


class _Issued(Struct, frozen=True, kw_only=True):
    iss: str


class ExternalTokens:
    """Verifies tokens by the keys of their issuer, and by nothing else.

    The algorithm is that of the key. ``iss`` must be the issuer to the letter and ``aud``
    contain ``audience``; ``exp`` is required and at most :data:`MAX_LIFETIME_SECONDS` ahead;
    ``nbf`` and ``iat`` may be :data:`LEEWAY_SECONDS` ahead. Anything ``crit`` is refused, and so
    are other tokens of the same issuer: ID tokens, logout tokens, refresh tokens.
    """

    def __init__(self, issuer: str, audience: str, keys: IssuerKeys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    def are_meant_by(self, token: str) -> bool:
        """Whether a token says that the issuer made it, which nothing has proved yet."""
        payload = token[: MAX_LENGTH + 1].partition(".")[2].partition(".")[0]
        try:
            claimed = msgspec.json.decode(urlsafe_b64decode(payload + "=="), type=_Issued)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return False
        return claimed.iss == self._issuer

    async def verify(self, token: str) -> ExternalClaims:
        """What a good token says; the same ``Unauthenticated`` for every other.

        ``Unavailable`` while the issuer's keys were never read.
        """
        if len(token) > MAX_LENGTH or not token.isascii():
            raise Unauthenticated
        try:
            header = jwt.get_unverified_header(token)
            claims = await self._verified(token, header)
        except (jwt.PyJWTError, msgspec.ValidationError, RecursionError, OverflowError):
            raise Unauthenticated from None
        if not _is_for_access(claims):
            raise Unauthenticated
        return claims

    async def _verified(self, token: str, header: Mapping[str, Any]) -> ExternalClaims:
        kid, kind = header.get("kid"), header.get("typ")
        is_typed = kind is None or (isinstance(kind, str) and kind.lower() in _TYPES)
        if not isinstance(kid, str) or not is_typed or "crit" in header or "zip" in header:
            raise Unauthenticated
        key = await self._keys.find(kid)
        if key is None:
            raise Unauthenticated
        payload = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub"]},
        )
        return msgspec.convert(payload, ExternalClaims)


def _is_for_access(claims: ExternalClaims) -> bool:
    others = (claims.nonce, claims.at_hash, claims.c_hash, claims.events)
    is_other = isinstance(claims.typ, str) and claims.typ.lower() in _OTHER_TYPES
    left = claims.exp - time.time()
    return (
        all(one is None for one in others)
        and not is_other
        and 0 < left <= MAX_LIFETIME_SECONDS + LEEWAY_SECONDS
    )
