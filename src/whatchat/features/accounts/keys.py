"""The keys that access tokens are signed with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt import PyJWK
from jwt.algorithms import HMACAlgorithm, OKPAlgorithm

MIN_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key and the single algorithm that it is ever used with.

    ``public`` is ready to verify with; a bare key would be examined anew for every token.
    """

    kid: str
    algorithm: Literal["HS256", "EdDSA"]
    private: bytes | Ed25519PrivateKey
    public: PyJWK


class KeyRing:
    """The keys in force: all of them verify, the last one signs."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise ValueError("there is no key to sign tokens with")
        self.newest = keys[-1]
        self.all = tuple(keys)
        self._by_kid = {key.kid: key for key in keys}

    def find(self, kid: object) -> SigningKey | None:
        """The key that a token's header names, if it is one of ours."""
        return self._by_kid.get(kid) if isinstance(kid, str) else None

    @classmethod
    def of_secret(cls, secret: bytes) -> "KeyRing":
        """A ring of one HS256 secret; ``ValueError`` if it is too short to be one."""
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the token secret must have at least {MIN_SECRET_BYTES} bytes")
        public = PyJWK(HMACAlgorithm.to_jwk(secret, as_dict=True), "HS256")
        return cls([SigningKey("hs256", "HS256", secret, public)])

    @classmethod
    def of_folder(cls, folder: Path) -> "KeyRing":
        """A ring of the Ed25519 private keys in ``folder``: PEM files named ``<kid>.pem``.

        The last name in order signs, so a key is rolled over by adding a file. Raises
        ``ValueError`` naming what is wrong with the folder or a file.
        """
        try:
            return cls([_read(path) for path in sorted(folder.glob("[!.]*.pem"))])
        except (OSError, ValueError) as error:
            raise ValueError(f"token keys in {folder}: {error}") from error


def _read(path: Path) -> SigningKey:
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{path.name} is not an unencrypted PEM private key") from None
    match private:
        case Ed25519PrivateKey():
            public = PyJWK(OKPAlgorithm.to_jwk(private.public_key(), as_dict=True), "EdDSA")
            return SigningKey(path.stem, "EdDSA", private, public)
        case _:
            raise ValueError(f"{path.name} is not an Ed25519 key")
