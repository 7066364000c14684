"""Access tokens: JSON Web Tokens by the rules of RFC 8725 and RFC 9068."""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
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


class _OwnClaims(Claims, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What :meth:`AccessTokens.issue` writes, and nothing beside it."""


_decoder: Final = msgspec.json.Decoder(_OwnClaims)


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
        self._secrets = {
            _header_segment(key): key.private
            for key in keys.all
            if key.algorithm == "HS256" and isinstance(key.private, bytes)
        }

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
            return self._own(token) or msgspec.convert(self._payload(token), Claims)
        except (jwt.PyJWTError, msgspec.ValidationError):
            raise Unauthenticated from None

    def _own(self, token: str) -> Claims | None:
        """What a token says that is, to the byte, as :meth:`issue` signs with a secret.

        The library, whose checks take ten times as long, decides on all others. Accepted
        here is a part of what it accepts: see ``test_access_tokens.py``.
        """
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        key = self._secrets.get(header)
        if key is None or not hmac.compare_digest(_signature(signed, key), signature.encode()):
            return None
        try:
            claims = _decoder.decode(urlsafe_b64decode(payload + "=="))
        except (ValueError, msgspec.DecodeError):
            return None
        is_for_us = claims.iss == self._issuer and claims.aud == self._audience
        return claims if is_for_us and claims.exp > time.time() else None

    def _key_named_by(self, token: str) -> SigningKey:
        header = jwt.get_unverified_header(token)
        key = self._keys.find(header.get("kid"))
        if key is None or header.get("typ") != _TYPE:
            raise Unauthenticated
        return key

    def _payload(self, token: str) -> object:
        key = self._key_named_by(token)
        return jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=self._issuer,
            audience=self._audience,
            # A pod whose clock is a moment behind must take what another has just issued.
            options={"require": ["exp", "iat"], "strict_aud": True, "verify_iat": False},
        )


def _signature(signed: str, secret: bytes) -> bytes:
    digest = hmac.digest(secret, signed.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=")


def _header(key: SigningKey) -> dict[str, str]:
    return {"typ": _TYPE, "kid": key.kid}


def _header_segment(key: SigningKey) -> str:
    """How the tokens begin that we sign with this key."""
    token = jwt.encode({}, key.private, algorithm=key.algorithm, headers=_header(key))
    return token.partition(".")[0]
