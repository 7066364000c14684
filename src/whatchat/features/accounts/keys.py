"""The keys that access tokens are signed with."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt import PyJWK
from jwt.algorithms import HMACAlgorithm, OKPAlgorithm

MIN_SECRET_BYTES: Final = 32

SHARED_KID: Final = "hs256"
"""How a secret that is alone is named in tokens, and what any of them may be called.

The version before had but one secret and knows no other name: its pods take these tokens too.
"""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key and the single algorithm that it is ever used with.

    ``public`` is ready to verify with; a bare key would be examined anew for every token.
    Without ``private`` the key verifies and never signs.
    """

    kid: str
    algorithm: Literal["HS256", "EdDSA"]
    private: bytes | Ed25519PrivateKey | None
    public: PyJWK


class KeyRing:
    """The keys in force: ``signing`` signs, under the name ``signs_as``; all of them verify."""

    def __init__(self, signing: SigningKey, others: Sequence[SigningKey] = ()) -> None:
        if signing.private is None:
            raise ValueError("there is no key to sign tokens with")
        self.signing = signing
        self.all = (*others, signing)
        self._by_kid: dict[str, tuple[SigningKey, ...]] = {key.kid: (key,) for key in self.all}
        secrets = tuple(key for key in self.all if key.algorithm == "HS256")
        if secrets:
            self._by_kid[SHARED_KID] = secrets
        self.signs_as = SHARED_KID if secrets == (signing,) else signing.kid

    def named(self, kid: object) -> tuple[SigningKey, ...]:
        """The keys that a token's header may mean: looked up here, and nowhere else."""
        return self._by_kid.get(kid, ()) if isinstance(kid, str) else ()

    @classmethod
    def of_secret(cls, secret: bytes, previous: Sequence[bytes] = ()) -> "KeyRing":
        """A ring that signs with an HS256 secret; tokens of the ``previous`` ones stay good.

        ``ValueError`` if one is too short to be a secret.
        """
        return cls(secret_key(secret), [secret_key(one) for one in previous if one != secret])


def secret_key(secret: bytes) -> SigningKey:
    """An HS256 key, named by 32 bits of a digest under it: the name says nothing about it."""
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"the token secret must have at least {MIN_SECRET_BYTES} bytes")
    kid = f"hs-{hmac.digest(secret, b'whatchat: the name of this key', 'sha256')[:4].hex()}"
    public = PyJWK(HMACAlgorithm.to_jwk(secret, as_dict=True), "HS256")
    return SigningKey(kid, "HS256", secret, public)


def pem_key(kid: str, pem: bytes) -> SigningKey:
    """The Ed25519 key in a PEM file, private or public; ``ValueError`` if it holds none."""
    private = None if b"PUBLIC KEY" in pem else _private(pem)
    public = _public(pem) if private is None else private.public_key()
    return SigningKey(kid, "EdDSA", private, PyJWK(OKPAlgorithm.to_jwk(public, as_dict=True)))


def _private(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("not an unencrypted PEM key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 - of a file, not of an argument
    return key


def _public(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("not a PEM key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 - of a file, not of an argument
    return key
