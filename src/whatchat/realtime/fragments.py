"""A message that comes in several frames (RFC 6455, section 5.4)."""

from typing import Final

from whatchat.realtime.frame import BINARY
from whatchat.realtime.link import FLOODING, TOO_LARGE, Closing

MAX_FRAGMENTS: Final = 2_048


class Fragments:
    """Gathers the parts, at most :data:`MAX_FRAGMENTS` and no more bytes than a packet."""

    __slots__ = ("_opcode", "_parts", "_size")

    def __init__(self, opcode: int) -> None:
        self._opcode = opcode
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes, max_bytes: int) -> Closing | None:
        """Take a part; why the connection cannot go on, if so."""
        self._parts.append(part)
        self._size += len(part)
        if self._size > max_bytes:
            return TOO_LARGE
        return FLOODING if len(self._parts) > MAX_FRAGMENTS else None

    def whole(self) -> str | bytes:
        """The message. Raises ``UnicodeDecodeError`` for what is no text."""
        data = b"".join(self._parts)
        return data if self._opcode == BINARY else data.decode()
