"""The keys that an issuer elsewhere publishes."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from msgspec import Struct

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256", "PS256")
MIN_RSA_BITS: Final = 2_048
MAX_RSA_BITS: Final = 8_192
MAX_KEYS: Final = 100

_FITTING: Final[Mapping[tuple[object, object], tuple[str, ...]]] = {
    ("OKP", "Ed25519"): ("EdDSA",),
    ("EC", "P-256"): ("ES256",),
    ("RSA", None): ("RS256", "PS256"),
}


class IssuerKey(NamedTuple):
    """A public key and the single algorithm that it is ever used with."""

    algorithm: str
    public: PyJWK


class _KeySet(Struct, frozen=True, kw_only=True):
    keys: list[dict[str, Any]]


def read_keys(document: bytes, allowed: Collection[str]) -> Mapping[str, IssuerKey]:
    """The keys of a JWK Set (RFC 7517) that tokens can be verified with, by ``kid``.

    What a key is for, it says itself: its kind, curve, ``alg``, ``use`` and ``key_ops``. Left out
    are secrets (``oct``), private keys, RSA keys of less than :data:`MIN_RSA_BITS`, keys for
    anything but signatures and those of algorithms that are not ``allowed``. An RSA key that
    names none has the first of RS256 and PS256. Raises ``ValueError`` if nothing is left.
    """
    try:
        published = msgspec.json.decode(document, type=_KeySet).keys[:MAX_KEYS]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("the answer is not a JWK Set") from None
    keys = {jwk["kid"]: key for jwk in published if (key := _key(jwk, allowed))}
    if not keys:
        raise ValueError("there is no key among them that tokens can be verified with")
    return keys


def _key(jwk: Mapping[str, Any], allowed: Collection[str]) -> IssuerKey | None:
    algorithm = _algorithm(jwk, allowed)
    if algorithm is None or not isinstance(jwk.get("kid"), str) or not _is_to_verify(jwk):
        return None
    try:
        public = PyJWK(dict(jwk), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    is_weak = isinstance(public.key, RSAPublicKey) and not (
        MIN_RSA_BITS <= public.key.key_size <= MAX_RSA_BITS
    )
    return None if is_weak else IssuerKey(algorithm, public)


def _algorithm(jwk: Mapping[str, Any], allowed: Collection[str]) -> str | None:
    kind, curve, named = jwk.get("kty"), jwk.get("crv"), jwk.get("alg")
    if not all(isinstance(one, str | None) for one in (kind, curve, named)):
        return None
    fitting = [one for one in _FITTING.get((kind, curve), ()) if one in allowed]
    if named is not None:
        return named if named in fitting else None
    return fitting[0] if fitting else None


def _is_to_verify(jwk: Mapping[str, Any]) -> bool:
    uses = jwk.get("key_ops", ["verify"])
    is_for_it = isinstance(uses, list) and "verify" in uses
    return is_for_it and jwk.get("use", "sig") == "sig" and "d" not in jwk
