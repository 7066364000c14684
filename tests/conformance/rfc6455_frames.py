"""WebSocket frames, octet by octet: whatever may be sent, and whatever must not be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

NAMES: Final = {
    CONTINUATION: "CONTINUATION",
    TEXT: "TEXT",
    BINARY: "BINARY",
    CLOSE: "CLOSE",
    PING: "PING",
    PONG: "PONG",
}
SHOWN_OCTETS: Final = 24
MASKING_KEY: Final = bytes.fromhex("37fa213d")  # any will do; this one is in the RFC's examples


class Message(NamedTuple):
    """A whole text or binary message, or a control frame."""

    opcode: int
    payload: bytes = b""

    @property
    def code(self) -> int | None:
        """A close frame's status code, ``None`` for none."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None

    def __str__(self) -> str:
        if self.opcode == CLOSE and len(self.payload) >= 2:
            return f"CLOSE {self.code} {self.payload[2:]!r}"
        return f"{NAMES.get(self.opcode, f'opcode {self.opcode}')} {shown(self.payload)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame to be sent, with any bits; ``rsv`` is 4 for RSV1, 2 for RSV2, 1 for RSV3."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    masked: bool = True

    def encode(self) -> bytes:
        """The octets on the wire."""
        header = bytes([self.fin << 7 | self.rsv << 4 | self.opcode])
        header += length_field(len(self.payload), masked=self.masked)
        return header + MASKING_KEY + mask(self.payload) if self.masked else header + self.payload

    def __str__(self) -> str:
        rsv = f" RSV={self.rsv}" if self.rsv else ""
        more = "" if self.fin else " FIN=0"
        return f"{Message(self.opcode, self.payload)}{rsv}{more}"


def length_field(size: int, *, masked: bool = True) -> bytes:
    """The second octet of a header and the length that may follow it, as short as can be."""
    bit = masked << 7
    if size < 126:
        return bytes([bit | size])
    if size < 1 << 16:
        return bytes([bit | 126]) + size.to_bytes(2, "big")
    return bytes([bit | 127]) + size.to_bytes(8, "big")


def mask(payload: bytes, key: bytes = MASKING_KEY) -> bytes:
    """The payload masked, or unmasked (section 5.3)."""
    stream = (key * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return mixed.to_bytes(len(payload), "big")


def shown(octets: bytes) -> str:
    """Octets for people: the first ones, and how many there are."""
    if len(octets) <= SHOWN_OCTETS:
        return repr(octets)
    return f"{octets[:SHOWN_OCTETS]!r}... ({len(octets)} octets)"


def text(payload: bytes, *, rsv: int = 0) -> Frame:
    """A whole text message."""
    return Frame(opcode=TEXT, payload=payload, rsv=rsv)


def ping(payload: bytes = b"", *, rsv: int = 0) -> Frame:
    return Frame(opcode=PING, payload=payload, rsv=rsv)


def pong(payload: bytes = b"") -> Frame:
    return Frame(opcode=PONG, payload=payload)


def close(code: int | None = None, reason: bytes = b"", *, rsv: int = 0) -> Frame:
    """A close frame; without a code its payload is the reason alone, which may be empty."""
    status = b"" if code is None else code.to_bytes(2, "big")
    return Frame(opcode=CLOSE, payload=status + reason, rsv=rsv)


def fragments(opcode: int, parts: Sequence[bytes]) -> tuple[Frame, ...]:
    """A message in frames, one for each part."""
    last = len(parts) - 1
    return tuple(
        Frame(opcode=CONTINUATION if at else opcode, payload=part, fin=at == last)
        for at, part in enumerate(parts)
    )


def cut(payload: bytes, size: int) -> tuple[bytes, ...]:
    """The payload in parts of at most ``size`` octets."""
    return tuple(payload[at : at + size] for at in range(0, len(payload), size)) or (b"",)
