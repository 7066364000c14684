"""The audit log as lines of JSON."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from whatchat.domain.ports.audit_store import AuditStore, Sealed

PAGE: Final = 1_000


class _Subject(Struct, frozen=True, kw_only=True, rename="camel"):
    user_id: str | None = None


class _Told(Struct, frozen=True, kw_only=True):
    at: datetime
    actor: _Subject
    act: _Subject


class _Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``record`` is the sealed body, byte for byte, so that ``digest`` can be made from it."""

    seq: int
    previous: str
    digest: str
    record: msgspec.Raw
    unreadable: str = ""


_told = msgspec.json.Decoder(_Told)


async def export(
    store: AuditStore, *, since: datetime | None, user_id: str | None
) -> AsyncIterator[bytes]:
    """Records as lines, in the order of the chain, as they are found: nothing is verified.

    All of them, or those not older than ``since`` whose actor or object is ``user_id``. What
    cannot be read as a record is in every selection, in hex, and so is what could break a line or
    speak to a terminal, which nothing that was sealed here does.
    """
    after = 0
    while page := await store.read(after=after, limit=PAGE):
        after = page[-1].seq
        for one in page:
            told = _read(one)
            if told is None or _is_wanted(told, since, user_id):
                yield _line(one, is_readable=told is not None)


def _read(one: Sealed) -> _Told | None:
    try:
        told = _told.decode(one.body)
        return told if one.body.decode().isprintable() else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_wanted(told: _Told, since: datetime | None, user_id: str | None) -> bool:
    if since is not None and told.at < since:
        return False
    return user_id is None or user_id in (told.actor.user_id, told.act.user_id)


def _line(one: Sealed, *, is_readable: bool) -> bytes:
    line = _Line(
        seq=one.seq,
        previous=one.previous.hex(),
        digest=one.digest.hex(),
        record=msgspec.Raw(one.body if is_readable else b"null"),
        unreadable="" if is_readable else one.body.hex(),
    )
    return msgspec.json.encode(line) + b"\n"
