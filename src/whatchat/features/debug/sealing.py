"""What pods tell each other about people's sockets: encrypted, and only between pods.

AES-256-GCM (NIST SP 800-38D) under a key that stems from the store's secret, with random
nonces: whoever reads what passes through the broker or lies in the registry learns nothing,
and whoever writes there is not believed.
"""

import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES: Final = 12


class Sealing:
    """Seals and opens; ``secret`` is the store's, which all its pods share."""

    def __init__(self, secret: bytes) -> None:
        self._key = AESGCM(hmac.digest(secret, b"debug exchange", "sha256"))

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Sealed, good for this purpose alone."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes | None:
        """What was sealed for this purpose; ``None`` if it was not, or not by one of us."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._key.decrypt(nonce, body, purpose.encode())
        except (InvalidTag, ValueError):
            return None
