"""Frames that no WebSocket client sends."""

from collections.abc import Mapping
from typing import Final

from tests.e2e.hostile.kind import Attack, Kind, closed, ended
from tests.e2e.hostile.line import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CUT,
    PING,
    SERVED,
    TEXT,
    Ending,
    Line,
    Target,
    frame,
)

MAX_PAYLOAD: Final = 65_536

BROKEN: Final[Mapping[str, bytes]] = {
    "reserved opcode": frame(0x3, b"x"),
    "reserved control opcode": frame(0xB),
    "unmasked text": frame(TEXT, b"3", masked=False),
    "unmasked ping": frame(PING, masked=False),
    "first reserved bit": frame(TEXT, b"3", reserved=0b100),
    "second reserved bit": frame(TEXT, b"3", reserved=0b010),
    "third reserved bit": frame(PING, reserved=0b001),
    "fragmented ping": frame(PING, b"x", fin=False),
    "ping of 126 bytes": frame(PING, bytes(126)),
    "continuation of nothing": frame(CONTINUATION, b"x"),
    "text within a fragmented text": frame(TEXT, b"4", fin=False) + frame(TEXT, b"3"),
    "binary within a fragmented text": frame(TEXT, b"4", fin=False) + frame(BINARY, b"3"),
    "more bytes than announced": frame(TEXT, b"3" + b"\xff" * 40, announced=1),
}
BAD_CLOSES: Final[Mapping[str, bytes]] = {
    "fragmented close": frame(CLOSE, b"\x03\xe8", fin=False),
    "close of 126 bytes": frame(CLOSE, b"\x03\xe8" + bytes(124)),
    "close of one byte": frame(CLOSE, b"\x03"),
    "close with 999": frame(CLOSE, (999).to_bytes(2)),
    "close with 1005": frame(CLOSE, (1005).to_bytes(2)),
    "close with 1006": frame(CLOSE, (1006).to_bytes(2)),
    "close with 65535": frame(CLOSE, b"\xff\xff"),
}
NOT_UTF_8: Final[Mapping[str, bytes]] = {
    "stray byte": frame(TEXT, b"42\xff"),
    "overlong slash": frame(TEXT, b"42\xc0\xaf"),
    "surrogate": frame(TEXT, b"42\xed\xa0\x80"),
    "beyond Unicode": frame(TEXT, b"42\xf4\x90\x80\x80"),
    "cut off": frame(TEXT, b"42\xe2\x82"),
    "cut off in fragments": (
        frame(TEXT, b"42\xe2", fin=False) + frame(CONTINUATION, b"\x82", fin=False)
    )
    + frame(CONTINUATION, b"x"),
}
TOO_LARGE: Final[Mapping[str, bytes]] = {
    "announced, not sent": frame(TEXT, announced=MAX_PAYLOAD + 1),
    "a gigabyte announced": frame(TEXT, announced=1 << 30),
    "sent whole": frame(TEXT, b"4" * 4 * MAX_PAYLOAD),
    "sent in fragments": frame(TEXT, b"4" * 40_000, fin=False)
    + frame(CONTINUATION, b"4" * 40_000, fin=False),
}


def sending(data: bytes, *, joined: bool) -> Attack:
    """Send this, before CONNECT or after it."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await (line.join(target) if joined else line.upgrade())
            await line.send(data)
            return await line.ending()

    return attack


def vanishing(data: bytes) -> Attack:
    """Send this and be gone, before a word can come back."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await line.join(target)
            await line.send(data)
        return CUT

    return attack


async def ping_of_lying_length(target: Target) -> Ending:
    """The length is written in more bytes than it needs."""
    async with Line.open(target) as line:
        await line.join(target)
        await line.send(bytes([0x80 | PING, 0x80 | 126, 0, 1]) + bytes(4) + b"x")
        return await line.served()


def _both(name: str, data: bytes, codes: frozenset[Ending]) -> dict[str, Kind]:
    return {
        f"{name}, before CONNECT": Kind(sending(data, joined=False), codes),
        f"{name}, connected": Kind(sending(data, joined=True), codes),
    }


KINDS: Final[Mapping[str, Kind]] = {
    **{
        name: kind
        for prefix, table, codes in (
            ("frame", BROKEN, closed(1002)),
            # Who closes, however badly, need not be told that it is closed.
            ("frame", BAD_CLOSES, closed(1002) | ended(Ending("untold", 1002))),
            ("bad UTF-8", NOT_UTF_8, closed(1007)),
            ("too large", TOO_LARGE, closed(1009)),
        )
        for title, data in table.items()
        for name, kind in _both(f"{prefix}: {title}", data, codes).items()
    },
    "frame: close with bad UTF-8": Kind(
        sending(frame(CLOSE, b"\x03\xe8\xff"), joined=True),
        closed(1002, 1007) | ended(Ending("untold", 1002), Ending("untold", 1007)),
    ),
    "frame: length of 64 bits, the first set": Kind(
        sending(frame(BINARY, announced=(1 << 63) + 1), joined=True), closed(1002, 1009)
    ),
    # RFC 6455 forbids it, and nothing comes of it: closing and serving are both right.
    "frame: length in too many bytes": Kind(ping_of_lying_length, closed(1002) | ended(SERVED)),
    "frame: fewer bytes than announced": Kind(
        vanishing(frame(TEXT, b"4", announced=1000)), ended(CUT)
    ),
    "frame: a fragmented message without its end": Kind(
        vanishing(frame(TEXT, b"4" * 1000, fin=False)), ended(CUT)
    ),
}
