"""Refresh tokens: opaque to clients, known to the store by their SHA-256 alone."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from typing import Final

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import GrantId

LIFETIME_DAYS: Final = 30
GRACE_SECONDS: Final = 60
"""How long the same token with the same nonce is answered with the same pair."""


class RefreshTokens:
    """Makes and recognises refresh tokens: ``<grant>.<256 bits>.<tag>``.

    The 256 bits are random in a sign-in's first token and derived, under a key, from the
    token and nonce presented in every later one, so that a repetition can be answered
    with nothing but hashes stored. The tag proves that a token was issued here for that
    grant: a spent one is known as such however old it is, with no list of spent ones.
    """

    def __init__(self, secret: bytes) -> None:
        self._body_key = _mac(secret, "refresh token: body")
        self._tag_key = _mac(secret, "refresh token: tag")
        self._nonce_key = _mac(secret, "refresh token: nonce")
        self._jti_key = _mac(secret, "refresh token: jti")

    def first(self, grant_id: GrantId) -> str:
        """A sign-in's first token."""
        return self._sealed(grant_id, secrets.token_bytes(32))

    def successor(self, token: str, nonce: str) -> str:
        """The token that follows ``token`` presented with ``nonce``: always the same.

        Raises ``Unauthenticated`` for a token that was not issued by us.
        """
        grant_id = self.grant_of(token)
        return self._sealed(grant_id, _mac(self._body_key, f"{token}.{nonce}"))

    def grant_of(self, token: str) -> GrantId:
        """The grant that a token was issued for; ``Unauthenticated`` if it was not by us."""
        grant_id, _, _ = token.partition(".")
        signed, _, tag = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(tag, self._tag(signed)):
            raise Unauthenticated
        return GrantId(grant_id)

    def nonce_hash(self, nonce: str) -> bytes:
        """By which the store tells a repetition."""
        return _mac(self._nonce_key, nonce)

    def jti(self, token: str) -> str:
        """The id of the access token issued together with ``token``."""
        return _text(_mac(self._jti_key, token)[:16])

    def _sealed(self, grant_id: GrantId, body: bytes) -> str:
        signed = f"{grant_id}.{_text(body)}"
        return f"{signed}.{self._tag(signed)}"

    def _tag(self, signed: str) -> str:
        return _text(_mac(self._tag_key, signed)[:16])


def token_hash(token: str) -> bytes:
    """By which the store knows a token; 256 bits of it are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
