"""Autobahn's group 6: text that is UTF-8, text that is not, and the moment that shows it."""

from collections.abc import Iterator
from typing import Final

from tests.conformance.rfc6455_case import INVALID_TEXT, Case, Exchange, echoed
from tests.conformance.rfc6455_frames import TEXT, Frame, cut, fragments, text

GREETING: Final = ("Hello-µ@ßöä".encode(), "üàá-UTF-8!!".encode())
KOSME: Final = bytes.fromhex("cebae1bdb9cf83cebcceb5")
"""A Greek word of characters that take two and three octets."""
SURROGATE: Final = KOSME + bytes.fromhex("eda080") + b"edited"
TOO_HIGH: Final = (KOSME, bytes.fromhex("f4908080"), b"edited")
"""Above U+10FFFF, which the second octet of the middle shows."""

SPLIT_SEQUENCES: Final = "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf"

SEQUENCES: Final = {
    "6.5 Valid text": (
        "68656c6c6f24776f726c64 68656c6c6fc2a2776f726c64 68656c6c6fe282ac776f726c64 "
        "68656c6c6ff0a4ada2776f726c64 cebae1bdb9cf83cebcceb5"
    ),
    "6.6 Each prefix of a valid text": " ".join(
        KOSME[:size].hex() for size in range(1, len(KOSME) + 1)
    ),
    "6.7 First sequence of its length": "00 c280 e0a080 f0908080",
    "6.8 First sequence of 5 and 6 octets": "f888808080 fc8480808080",
    "6.9 Last sequence of its length": "7f dfbf efbfbf f48fbfbf",
    "6.10 Last sequence of 4, 5 and 6 octets": "f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf",
    "6.11 Other boundaries": "ed9fbf ee8080 efbfbd f48fbfbf f4908080",
    "6.12 Unexpected continuation octets": (
        "80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf " + bytes(range(0x80, 0xBF)).hex()
    ),
    "6.13 Lonely first octets": " ".join(
        b" ".join(bytes([octet]) for octet in range(first, last)).hex() + "20"
        for first, last in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))
    ),
    "6.14 The last octet missing": SPLIT_SEQUENCES,
    "6.15 Incomplete sequences in a row": SPLIT_SEQUENCES.replace(" ", ""),
    "6.16 Impossible octets": "fe ff fefeffff",
    "6.17 Overlong ASCII": "c0af e080af f08080af f8808080af fc80808080af",
    "6.18 Longest overlong sequences": "c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf",
    "6.19 Overlong NUL": "c080 e08080 f0808080 f880808080 fc8080808080",
    "6.20 Single surrogates": "eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf",
    "6.21 Paired surrogates": " ".join(
        high + low
        for high in ("eda080", "edadbf", "edae80", "edafbf")
        for low in ("edb080", "edbfbf")
    ),
    "6.22 Non-characters, which are valid": " ".join(
        chr(plane << 16 | low).encode().hex()
        for plane, low in [
            *((0, 0xFFFE), (0, 0xFFFF)),
            *((plane, low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)),
        ]
    ),
    "6.23 Specials, which are valid": "efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf",
}


def utf8_cases() -> Iterator[Case]:
    """Group 6. A text message starts with the 4 of an Engine.IO message, here as everywhere."""
    yield _valid("6.1.1", "No text", b"4")
    yield _valid("6.1.2", "No text, in three fragments", b"4", b"", b"")
    yield _valid("6.1.3", "Text between empty fragments", b"", b"4middle frame payload", b"")
    yield _valid("6.2.1", "Valid text", b"4" + b"".join(GREETING))
    first, last = GREETING
    yield _valid("6.2.2", "Fragments that end with a character", b"4" + first, last)
    yield _valid("6.2.3", "Fragments of one octet", *cut(b"4" + first + last, 1))
    yield _valid("6.2.4", "Greek in fragments of one octet", *cut(b"4" + KOSME, 1))
    yield _invalid("6.3.1", "A surrogate", (text(b"4" + SURROGATE),))
    yield _invalid("6.3.2", "A surrogate in fragments", fragments(TEXT, cut(b"4" + SURROGATE, 1)))
    yield from _fail_fast()
    for name, sequences in SEQUENCES.items():
        group, title = name.split(" ", 1)
        for at, sequence in enumerate(sequences.split(), 1):
            yield _decoded(f"{group}.{at}", f"{title}: {sequence}", bytes.fromhex(sequence))


def _valid(number: str, title: str, *parts: bytes) -> Case:
    return echoed(number, title, TEXT, parts)


def _invalid(number: str, title: str, *sent: tuple[Frame | bytes, ...]) -> Case:
    """The connection fails with the message's last part at the latest (NON-STRICT), or earlier."""
    exchanges = tuple(
        Exchange(part, fails_fast=at == 1 and len(sent) > 2) for at, part in enumerate(sent)
    )
    return Case(number, title, exchanges, closes=INVALID_TEXT)


def _fail_fast() -> Iterator[Case]:
    """The second part shows that the text is invalid; NON-STRICT if the third is waited for."""
    valid, wrong, rest = TOO_HIGH
    by_sequence = (b"4" + valid, wrong, rest)
    by_octet = (b"4" + valid + wrong[:1], wrong[1:2], wrong[2:] + rest)
    for at, parts in ((1, by_sequence), (2, by_octet)):
        frames = fragments(TEXT, parts)
        yield _invalid(
            f"6.4.{at}", "Invalid in the 2nd of 3 fragments", *((one,) for one in frames)
        )
    for at, parts in ((3, by_sequence), (4, by_octet)):
        octets = text(b"".join(parts)).encode()
        third = len(octets) - len(parts[2])
        second = third - len(parts[1])
        chops = (octets[:second], octets[second:third], octets[third:])
        yield _invalid(f"6.4.{at}", "Invalid in the 2nd of 3 chops", *((chop,) for chop in chops))


def _decoded(number: str, title: str, payload: bytes) -> Case:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return _invalid(number, title, (text(b"4" + payload),))
    return _valid(number, title, b"4" + payload)
