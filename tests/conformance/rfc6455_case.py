"""A case: what is sent, what must come back, and how it ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.conformance.rfc6455_frames import CLOSE, TEXT, Frame, Message, cut, fragments

Codes = tuple[int | None, ...]
"""The codes of which a close frame must have one; ``None`` is no code."""

PROTOCOL_ERROR: Final = (1002,)
INVALID_TEXT: Final = (1007,)
TOO_LARGE: Final = (1009,)
FLOODING: Final = (4429,)

FRAMEWISE: Final = 0
"""The chop size that puts each frame into a segment of its own."""
OCTETWISE: Final = 1


@dataclass(frozen=True, slots=True)
class Exchange:
    """Frames, or octets as they are, and what must come back before anything more is sent.

    ``chop`` is how many octets are sent at a time, all by default. After an exchange that
    ``fails_fast`` the server should not wait for the rest before it fails the connection.
    """

    send: tuple[Frame | bytes, ...]
    receive: tuple[Message, ...] = ()
    chop: int | None = None
    fails_fast: bool = False

    def chops(self) -> Iterator[bytes]:
        """The octets, as they are cut on the wire."""
        pieces = [item if isinstance(item, bytes) else item.encode() for item in self.send]
        if self.chop == FRAMEWISE:
            yield from pieces
        else:
            octets = b"".join(pieces)
            yield from cut(octets, self.chop or len(octets))


@dataclass(frozen=True, slots=True)
class Case:
    """One case of Autobahn's test suite by its number there, or one of ours.

    ``closes`` is how the server must close; without it all is in order, and the checker
    closes with 1000 and is answered the same. A ``lenient`` case may end before all has come
    back: Autobahn's NON-STRICT. The handshake offers ``extensions``, which are never agreed to.
    """

    number: str
    title: str
    exchanges: tuple[Exchange, ...]
    closes: Codes = ()
    lenient: bool = False
    extensions: str = ""

    @property
    def sends_close(self) -> bool:
        """Whether a close frame of ours, right or wrong, is part of the case."""
        return any(
            isinstance(item, Frame) and item.opcode == CLOSE
            for exchange in self.exchanges
            for item in exchange.send
        )


def payload_of(opcode: int, size: int) -> bytes:
    """So many octets that are to be echoed; a text has at least the 4 of a message."""
    return b"4".ljust(size, b"*") if opcode == TEXT else b"\xfe" * size


def echoed(
    number: str, title: str, opcode: int, parts: tuple[bytes, ...], chop: int | None = None
) -> Case:
    """A message in a frame for each part, which comes back whole."""
    exchange = Exchange(fragments(opcode, parts), (Message(opcode, b"".join(parts)),), chop)
    return Case(number, title, (exchange,))


def refused(
    number: str,
    title: str,
    *sent: Frame | bytes,
    codes: Codes = PROTOCOL_ERROR,
    chop: int | None = None,
) -> Case:
    """Something that nothing answers but a close frame."""
    return Case(number, title, (Exchange(sent, chop=chop),), closes=codes)
