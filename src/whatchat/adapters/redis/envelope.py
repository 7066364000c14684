"""How an announcement travels: version, origin, body.

One byte of version, eight of origin (which broker sent it), and the announcement in
msgpack, as a map: a pod ignores fields that it does not know, and takes defaults for those
that are missing, so that pods of neighbouring versions understand each other.
"""

import secrets
from typing import Final

from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder

from whatchat.domain.audience import Announcement

VERSION: Final = b"\x01"
ORIGIN_BYTES: Final = 8
HEAD_BYTES: Final = len(VERSION) + ORIGIN_BYTES

_encoder: Final = Encoder()
_decoder: Final = Decoder(Announcement)


class BadEnvelope(Exception):
    """What arrived is no envelope of a known version."""


class Sealer:
    """Makes one broker's envelopes, and knows them again."""

    def __init__(self) -> None:
        self._head = VERSION + secrets.token_bytes(ORIGIN_BYTES)

    def seal(self, announcement: Announcement) -> bytes:
        """The announcement's envelope."""
        return self._head + _encoder.encode(announcement)

    def is_own(self, envelope: bytes) -> bool:
        """Whether this sealer made it."""
        return envelope.startswith(self._head)


def unseal(envelope: bytes) -> Announcement:
    """What is in an envelope. Raises :class:`BadEnvelope`."""
    if not envelope.startswith(VERSION):
        raise BadEnvelope("the version is unknown")
    try:
        return _decoder.decode(memoryview(envelope)[HEAD_BYTES:])
    except MsgspecError as error:
        raise BadEnvelope(str(error)) from None
