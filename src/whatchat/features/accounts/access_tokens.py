"""Access tokens: JSON Web Tokens by the rules of RFC 8725 and RFC 9068.

RFC 8725, line by line:

- 3.1: the algorithm is that of our key, one for each key; what the token says must agree.
- 3.2: HS256 and Ed25519 alone, by PyJWT; there is no ``none``.
- 3.3: there is one signature, and nothing is believed before it is verified, but for the
  ``kid`` that picks the key.
- 3.4: keys are checked when they are read; nobody else chooses a point on a curve.
- 3.5: secrets have 32 bytes and more, and are random.
- 3.6: nothing is compressed; tokens are at most :data:`MAX_LENGTH` long.
- 3.7: UTF-8 alone: msgspec refuses anything else.
- 3.8, 3.9: ``iss`` and ``aud`` must be there and be ours; ``sub``, ``did``, ``gid`` and
  ``jti`` must have the form of our ids.
- 3.10: ``kid`` is looked up in a dictionary of our keys. A header with anything beside ``alg``,
  ``typ`` and ``kid`` is refused: ``jku``, ``x5u`` and ``jwk`` are never followed, and there is
  no ``crit`` that we understand.
- 3.11, 3.12: ``typ`` is ``at+jwt``, and refresh tokens are no JSON Web Tokens at all. Tokens of an
  external issuer have rules and keys of their own, chosen by ``iss``.
- ``exp`` and ``iat`` are required.
"""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta, Struct

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import (
    ID_PATTERN,
    DeviceId,
    DeviceIdField,
    GrantId,
    UserId,
    UserIdField,
)
from whatchat.features.accounts.keys import SHARED_KID, KeyRing, SigningKey

LIFETIME_SECONDS: Final = 900
MAX_LENGTH: Final = 2_048

_TYPE: Final = "at+jwt"
_HEADERS: Final = {"alg", "typ", "kid"}


class UnknownKey(Unauthenticated):
    """The token names a key that is not known here, or not yet."""


class Claims(Struct, frozen=True, kw_only=True):
    """What an access token says: user ``sub`` on device ``did`` by sign-in ``gid``."""

    iss: str
    aud: str
    sub: UserIdField
    did: DeviceIdField
    gid: Annotated[GrantId, Meta(pattern=ID_PATTERN)]
    iat: int
    exp: int
    jti: Annotated[str, Meta(pattern=ID_PATTERN)]


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
        self._issuer = issuer
        self._audience = audience
        self.use(keys)

    def use(self, keys: KeyRing) -> None:
        """Go on with these keys instead of those before."""
        self._keys = keys
        secrets = {key.kid: key.private for key in keys.all if isinstance(key.private, bytes)}
        by_kid: dict[str, tuple[bytes, ...]] = {kid: (secret,) for kid, secret in secrets.items()}
        by_kid[SHARED_KID] = tuple(secrets.values())
        self._secrets = {_header_segment(kid): found for kid, found in by_kid.items()}

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
        key = self._keys.signing
        return jwt.encode(
            msgspec.structs.asdict(claims),
            _private(key),
            algorithm=key.algorithm,
            headers=_header(self._keys.signs_as),
        )

    def verify(self, token: str) -> Claims:
        """What a good token says; the same ``Unauthenticated`` for every other.

        Where the key is missing it is :class:`UnknownKey`, of which the text is no other.
        """
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
        secrets = self._secrets.get(header, ())
        if not any(
            hmac.compare_digest(_signature(signed, key), signature.encode()) for key in secrets
        ):
            return None
        try:
            claims = _decoder.decode(urlsafe_b64decode(payload + "=="))
        except (ValueError, msgspec.DecodeError):
            return None
        is_for_us = claims.iss == self._issuer and claims.aud == self._audience
        return claims if is_for_us and claims.exp > time.time() else None

    def _keys_named_by(self, token: str) -> tuple[SigningKey, ...]:
        header = jwt.get_unverified_header(token)
        if header.keys() != _HEADERS or header["typ"] != _TYPE:
            raise Unauthenticated
        if keys := self._keys.named(header["kid"]):
            return keys
        raise UnknownKey

    def _payload(self, token: str) -> object:
        *others, last = self._keys_named_by(token)
        for key in others:
            with suppress(jwt.InvalidSignatureError):
                return self._payload_by(key, token)
        return self._payload_by(last, token)

    def _payload_by(self, key: SigningKey, token: str) -> object:
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


def _header(kid: str) -> dict[str, str]:
    return {"typ": _TYPE, "kid": kid}


def _header_segment(kid: str) -> str:
    """How the tokens begin that we sign with the secret of that name."""
    return jwt.encode({}, bytes(32), algorithm="HS256", headers=_header(kid)).partition(".")[0]


def _private(key: SigningKey) -> bytes | Ed25519PrivateKey:
    if key.private is None:
        raise ValueError(f"{key.kid} is a key to verify with")
    return key.private
