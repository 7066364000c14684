"""The form in which a record is kept for ever, and what chains one to the next."""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from typing import Final

import msgspec

from whatchat.domain.audit import Record
from whatchat.domain.ports.audit_store import Pending, Sealed
from whatchat.domain.times import timestamp

VERSION: Final = 1
"""Of both. What was sealed under one version is verified under it, whatever comes later."""

GENESIS: Final = bytes(32)
"""What stands for the digest before record 1."""

_LABEL: Final = b"whatchat audit record v1\0"
_SEQ_BYTES: Final = 8


def canonical(record: Record) -> bytes:
    r"""The canonical bytes of a record, version 1, as the JSON Canonicalization Scheme (RFC 8785).

    One JSON object in UTF-8, without a byte order mark and without whitespace. Members are
    sorted by name, in inner objects too; the names are ASCII. ``v`` is the version, ``at`` the
    time in UTC as ``2026-01-31T12:00:00.000Z``, with three digits of a second. Other values are
    strings, integers below 2^53 and objects, never ``null``: what is not known is left out, and
    so is what has its default (an ``outcome`` of ``ok``, a ``count`` of 1). In strings ``"``,
    ``\``, backspace, form feed, newline, return and tab are escaped by a backslash, other
    characters below U+0020 as ``\u00xx`` in lower case, and nothing else.

    These bytes are what is stored and digested; nothing makes them anew from a record that was
    read. So a later version may add to them, and leaves alone what there is.
    """
    fields = msgspec.to_builtins(record)
    fields |= {"v": VERSION, "at": timestamp(record.at.astimezone(UTC))}
    return msgspec.json.encode(fields, order="sorted")


def digest_of(seq: int, previous: bytes, body: bytes) -> bytes:
    """SHA-256 over the label and version, ``seq`` in 8 bytes (big-endian), ``previous``, ``body``.

    Each part but the last has a fixed length, and the label ends with a zero byte: no two
    different records give the same input, nor does anything else that is digested here.
    ``previous`` is the digest before, of 32 bytes; before record 1, :data:`GENESIS`.
    """
    return hashlib.sha256(
        _LABEL + seq.to_bytes(_SEQ_BYTES, "big", signed=True) + previous + body
    ).digest()


def chained(records: Sequence[Pending], last: Sealed | None) -> list[Sealed]:
    """These records as they follow ``last``."""
    length, previous = (last.seq, last.digest) if last else (0, GENESIS)
    sealed = []
    for seq, record in enumerate(records, length + 1):
        digest = digest_of(seq, previous, record.body)
        sealed.append(
            Sealed(
                seq=seq,
                record_id=record.record_id,
                previous=previous,
                body=record.body,
                digest=digest,
            )
        )
        previous = digest
    return sealed
