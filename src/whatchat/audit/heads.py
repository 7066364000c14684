"""Heads of the chain, signed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from whatchat.domain.ports.audit_store import Sealed
from whatchat.domain.times import Timestamp, timestamp

VERSION: Final = 1
EVENT: Final = "audit head"
"""The name under which heads are in the log."""

_LABEL: Final = b"whatchat audit head v1\0"
_KEY_INFO: Final = b"whatchat audit head key v1"


class Claim(Struct, frozen=True, kw_only=True):
    """What a head says: at ``at``, record ``seq`` ended the chain and had this digest (hex).

    ``key`` is the signer's Ed25519 public key in base64url without padding.
    """

    v: int
    seq: int
    digest: str
    at: Timestamp
    key: str


class Head(Claim, frozen=True, kw_only=True):
    """A claim and its signature (base64url without padding).

    Signed (Ed25519, RFC 8032) is the label ``whatchat audit head v1``, a zero byte, and the
    claim as canonical JSON: its five members sorted by name, without whitespace (RFC 8785).
    """

    signature: str

    @property
    def is_signed(self) -> bool:
        """Whether the signature is by the key that the head names."""
        try:
            public = Ed25519PublicKey.from_public_bytes(_unbase64(self.key))
            public.verify(_unbase64(self.signature), _signed_bytes(self))
        except (InvalidSignature, ValueError):
            return False
        return self.v == VERSION

    def encode(self) -> bytes:
        """The head as one line of JSON, without its end."""
        return msgspec.json.encode(self, order="sorted")


class HeadKey:
    """The key that heads are signed with."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = _base64(private.public_key().public_bytes_raw())

    @classmethod
    def derived_from(cls, material: bytes) -> "HeadKey":
        """The key that belongs to a secret: by HKDF-SHA-256 (RFC 5869), for this use alone."""
        seed = HKDF(SHA256(), length=32, salt=None, info=_KEY_INFO).derive(material)
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, last: Sealed, at: datetime) -> Head:
        """The signed head of a chain that ends so."""
        claim = Claim(
            v=VERSION, seq=last.seq, digest=last.digest.hex(), at=timestamp(at), key=self.public
        )
        signature = self._private.sign(_signed_bytes(claim))
        return Head(**msgspec.structs.asdict(claim), signature=_base64(signature))


class _Line(Struct, frozen=True, kw_only=True):
    event: str = EVENT


_line = msgspec.json.Decoder(_Line)
_head = msgspec.json.Decoder(Head)


def read_head(line: bytes) -> Head | None:
    """The head that a line of a heads file, or of the product's JSON log, holds, if it does.

    Nothing is verified.
    """
    try:
        return _head.decode(line) if _line.decode(line).event == EVENT else None
    except msgspec.DecodeError:
        return None


def is_public_key(text: str) -> bool:
    """Whether this is how an Ed25519 public key is written here."""
    try:
        return len(_unbase64(text)) == 32 and _base64(_unbase64(text)) == text
    except ValueError:
        return False


def publics(keys: Iterable[HeadKey]) -> frozenset[str]:
    """The public keys of these."""
    return frozenset(key.public for key in keys)


def _signed_bytes(claim: Claim) -> bytes:
    fields = {name: getattr(claim, name) for name in Claim.__struct_fields__}
    return _LABEL + msgspec.json.encode(fields, order="sorted")


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
