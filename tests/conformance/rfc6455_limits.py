"""Autobahn's group 9: large messages and many, up to what the server was told to bear."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.conformance.rfc6455_case import (
    FLOODING,
    TOO_LARGE,
    Case,
    Exchange,
    echoed,
    payload_of,
    refused,
)
from tests.conformance.rfc6455_frames import (
    BINARY,
    CONTINUATION,
    TEXT,
    Frame,
    Message,
    cut,
    fragments,
    length_field,
)

KIB: Final = 1 << 10
MIB: Final = 1 << 20
KINDS: Final = ((TEXT, "Text"), (BINARY, "Binary"))


@dataclass(frozen=True)
class Limits:
    """What the server was told to bear: octets of a message, and fragments of one."""

    payload: int = MIB
    fragments: int = 2_048


def limit_cases(limits: Limits) -> Iterator[Case]:
    """Group 9: the sizes, not the times; a message may be of the limit's size, not larger."""
    for group, (opcode, kind) in enumerate(KINDS, 1):
        for at, kib in enumerate((64, 256, KIB, 4 * KIB, 8 * KIB, 16 * KIB), 1):
            yield _sized(f"9.{group}.{at}", f"{kind} of {kib} KiB", opcode, kib * KIB, limits)
    for group, (opcode, kind) in enumerate(KINDS, 3):
        for at in range(9):
            yield _fragmented(f"9.{group}.{at + 1}", kind, opcode, 64 << 2 * at, limits)
    for group, (opcode, kind) in enumerate(KINDS, 5):
        payload = payload_of(opcode, min(MIB, limits.payload))
        for at in range(6):
            title = f"{kind} of {len(payload)} in chops of {64 << at}"
            yield echoed(f"9.{group}.{at + 1}", title, opcode, (payload,), chop=64 << at)
    for group, (opcode, kind) in enumerate(KINDS, 7):
        for at, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
            payload = payload_of(opcode, size)
            trip = Exchange((Frame(opcode=opcode, payload=payload),), (Message(opcode, payload),))
            yield Case(f"9.{group}.{at}", f"{kind} of {size}, 1,000 times", (trip,) * 1_000)


def _sized(number: str, title: str, opcode: int, size: int, limits: Limits) -> Case:
    """Too large, it is refused by its header, before its octets are there."""
    if size <= limits.payload:
        return echoed(number, title, opcode, (payload_of(opcode, size),))
    return refused(number, title, _header(opcode, size), codes=TOO_LARGE)


def _header(opcode: int, size: int, *, fin: bool = True) -> bytes:
    """A frame's header, its masking key, and nothing more."""
    return bytes([fin << 7 | opcode]) + length_field(size) + bytes(4)


def _fragmented(number: str, kind: str, opcode: int, part: int, limits: Limits) -> Case:
    """4 MiB or the largest message that is allowed, in parts; too many parts are flooding."""
    payload = payload_of(opcode, min(4 * MIB, limits.payload))
    parts = cut(payload, part)
    title = f"{kind} of {len(payload)} in fragments of {part}"
    if len(parts) <= limits.fragments:
        return echoed(number, title, opcode, parts)
    return refused(number, title, *fragments(opcode, parts), codes=FLOODING)


def over_limit_cases(limits: Limits) -> Iterator[Case]:
    """Ours: one octet more than is allowed, in every way to say it."""
    for at, (opcode, kind) in enumerate(KINDS):
        begin = Frame(opcode=opcode, payload=payload_of(opcode, limits.payload), fin=False)
        last = Frame(opcode=CONTINUATION, payload=b"*")
        title = f"One octet more than is allowed, {kind}"
        yield _sized(f"x.{6 + 2 * at}", title, opcode, limits.payload + 1, limits)
        title += ", in two fragments"
        yield refused(f"x.{7 + 2 * at}", title, begin, last, codes=TOO_LARGE)
