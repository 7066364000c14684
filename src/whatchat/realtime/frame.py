"""What is sent: Engine.IO packets, encoded once, down to the WebSocket frame."""

from base64 import b64encode
from typing import Final, NamedTuple

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PONG: Final = 0xA

_FINAL: Final = 0x80
_SHORT: Final = 125
_MEDIUM: Final = 0xFFFF


class Frame(NamedTuple):
    """One packet, shared by all its recipients.

    ``wire`` is a whole WebSocket frame, unmasked as servers send them; the packet itself
    starts at ``start``.
    """

    wire: bytes
    start: int

    @property
    def is_binary(self) -> bool:
        return self.wire[0] == _FINAL | BINARY

    @property
    def text(self) -> str:
        """The packet as polling carries it; a binary one in base64 behind a ``b``."""
        packet = self.wire[self.start :]
        return f"b{b64encode(packet).decode()}" if self.is_binary else packet.decode()


def encode(opcode: int, payload: bytes) -> bytes:
    """A WebSocket frame (RFC 6455, section 5.2)."""
    return _header(opcode, len(payload)) + payload


def frame(packet: bytes) -> Frame:
    """A text packet, given in UTF-8."""
    header = _header(TEXT, len(packet))
    return Frame(header + packet, len(header))


def plain_frame(packet: str) -> Frame:
    """A text packet."""
    return frame(packet.encode())


def binary_frame(data: bytes) -> Frame:
    """A binary message."""
    header = _header(BINARY, len(data))
    return Frame(header + data, len(header))


def close_frame(code: int) -> bytes:
    """The WebSocket frame that ends a connection with a code."""
    return encode(CLOSE, code.to_bytes(2, "big"))


def _header(opcode: int, size: int) -> bytes:
    first = _FINAL | opcode
    if size <= _SHORT:
        return bytes((first, size))
    if size <= _MEDIUM:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")
