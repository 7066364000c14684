"""How an announcement travels: version, origin, tag, body.

One byte of version, eight of origin (which broker sent it), sixteen of a keyed BLAKE2b
(RFC 7693) of the body, and the announcement in msgpack, as a map: a pod ignores fields that
it does not know, and takes defaults for those that are missing, so that pods of neighbouring
versions understand each other.

The key stems from the store's secret, so that only those announce who have the store: whoever
gets to write to Redis can neither put words into anybody's mouth nor let anybody into a room.
A body says whom it is for, so that it means the same on every channel. Who can write to Redis
can also hold back and repeat; that is what ``rev`` and repair from the store are for.
"""

import hashlib
import hmac
import secrets
from typing import Final

from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder

from whatchat.domain.audience import Announcement

VERSION: Final = b"\x02"
ORIGIN_BYTES: Final = 8
TAG_BYTES: Final = 16

_TAG_AT: Final = len(VERSION) + ORIGIN_BYTES
_BODY_AT: Final = _TAG_AT + TAG_BYTES

_encoder: Final = Encoder()
_decoder: Final = Decoder(Announcement)


class BadEnvelope(Exception):
    """What arrived is no envelope of a known version from one of us."""


class Sealer:
    """Makes one broker's envelopes, and opens those of all that share its ``secret``."""

    def __init__(self, secret: bytes) -> None:
        self._head = VERSION + secrets.token_bytes(ORIGIN_BYTES)
        key = hmac.digest(secret, b"broker envelope", "sha256")
        self._keyed = hashlib.blake2b(key=key, digest_size=TAG_BYTES)

    def seal(self, announcement: Announcement) -> bytes:
        """The announcement's envelope."""
        body = _encoder.encode(announcement)
        return b"".join((self._head, self._tag(body), body))

    def is_own(self, envelope: bytes) -> bool:
        """Whether this sealer made it."""
        return envelope.startswith(self._head)

    def open(self, envelope: bytes) -> Announcement:
        """What is in an envelope. Raises :class:`BadEnvelope`."""
        if not envelope.startswith(VERSION):
            raise BadEnvelope("the version is unknown")
        body = memoryview(envelope)[_BODY_AT:]
        if not hmac.compare_digest(envelope[_TAG_AT:_BODY_AT], self._tag(body)):
            raise BadEnvelope("it is not from one of us")
        try:
            return _decoder.decode(body)
        except MsgspecError as error:
            raise BadEnvelope(str(error)) from None

    def _tag(self, body: bytes | memoryview) -> bytes:
        tag = self._keyed.copy()
        tag.update(body)
        return tag.digest()
