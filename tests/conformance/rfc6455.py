"""RFC 6455 from the other side of the wire: a case for each of Autobahn's, by its number.

The table is Autobahn's groups 1-7, 9 and 10, spoken to an Engine.IO echo: a text payload has
the 4 of a message in front, an empty text message is one that holds the 4 alone, and a message
above the server's payload limit is refused. What is not in Autobahn has a number in x.

    python -m tests.conformance.rfc6455 --url "ws://127.0.0.1:P/engine.io/?EIO=4&transport=websocket"
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from tests.conformance.rfc6455_case import (
    FRAMEWISE,
    INVALID_TEXT,
    OCTETWISE,
    PROTOCOL_ERROR,
    TOO_LARGE,
    Case,
    Codes,
    Exchange,
    echoed,
    payload_of,
    refused,
)
from tests.conformance.rfc6455_frames import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    Message,
    close,
    cut,
    fragments,
    ping,
    pong,
    text,
)
from tests.conformance.rfc6455_limits import KIB, Limits, limit_cases, over_limit_cases
from tests.conformance.rfc6455_trial import Verdict, check
from tests.conformance.rfc6455_utf8 import SURROGATE, utf8_cases

HELLO: Final = b"4Hello, world!"
PARTS: Final = (b"4fragment1", b"fragment2")
AUTO_FRAGMENTED: Final = payload_of(TEXT, 64 * KIB)
NOT_TEXT: Final = bytes.fromhex("00fffefdfcfb00ff")


def cases(limits: Limits) -> tuple[Case, ...]:
    """All cases, in Autobahn's order, ours last."""
    return (
        *_framing(),
        *_pings(),
        *_reserved_bits(),
        *_reserved_opcodes(),
        *_fragmentation(),
        *utf8_cases(),
        *_closing(limits),
        *limit_cases(limits),
        echoed("10.1.1", "64 KiB in fragments of 1,300", TEXT, cut(AUTO_FRAGMENTED, 1_300)),
        *_beyond_autobahn(),
        *over_limit_cases(limits),
    )


def _echo_then_refused(
    number: str, title: str, *wrong: Frame | bytes, chop: int | None = None
) -> Case:
    """A message that may be echoed still (else NON-STRICT), a wrong frame, an unanswered ping."""
    exchange = Exchange((text(HELLO), *wrong, ping()), (Message(TEXT, HELLO),), chop)
    return Case(number, title, (exchange,), closes=PROTOCOL_ERROR, lenient=True)


def _framing() -> Iterator[Case]:
    sizes = (0, 125, 126, 127, 128, 65_535, 65_536)
    for group, opcode, kind in (("1.1", TEXT, "Text"), ("1.2", BINARY, "Binary")):
        for at, size in enumerate(sizes, 1):
            yield echoed(f"{group}.{at}", f"{kind} of {size}", opcode, (payload_of(opcode, size),))
        title = f"{kind} of 65536 in chops of 997"
        yield echoed(f"{group}.8", title, opcode, (payload_of(opcode, 65_536),), chop=997)


def _pings() -> Iterator[Case]:
    def answered(number: str, title: str, *payloads: bytes, chop: int | None = None) -> Case:
        pings = tuple(ping(payload) for payload in payloads)
        pongs = tuple(Message(PONG, payload) for payload in payloads)
        return Case(number, title, (Exchange(pings, pongs, chop),))

    long, ten = b"\xfe" * 125, [f"payload-{at}".encode() for at in range(10)]
    unasked = pong(b"unsolicited pong payload")
    yield answered("2.1", "Ping", b"")
    yield answered("2.2", "Ping with text", b"Hello, world!")
    yield answered("2.3", "Ping with octets that are not text", NOT_TEXT)
    yield answered("2.4", "Ping with 125 octets", long)
    yield refused("2.5", "Ping with 126 octets", ping(long + b"\xfe"))
    yield answered("2.6", "Ping with 125 octets, octet by octet", long, chop=OCTETWISE)
    yield Case("2.7", "Unsolicited pong", (Exchange((pong(),)),))
    yield Case("2.8", "Unsolicited pong with a payload", (Exchange((unasked,)),))
    exchange = Exchange((unasked, ping(b"ping payload")), (Message(PONG, b"ping payload"),))
    yield Case("2.9", "Unsolicited pong, then a ping", (exchange,))
    yield answered("2.10", "Ten pings, all answered", *ten)
    yield answered("2.11", "Ten pings, octet by octet", *ten, chop=OCTETWISE)


def _reserved_bits() -> Iterator[Case]:
    binary = Frame(opcode=BINARY, payload=NOT_TEXT, rsv=5)
    yield refused("3.1", "RSV=1", text(HELLO, rsv=1))
    yield _echo_then_refused("3.2", "RSV=2 after a message", text(HELLO, rsv=2))
    yield _echo_then_refused("3.3", "RSV=3, frame by frame", text(HELLO, rsv=3), chop=FRAMEWISE)
    yield _echo_then_refused("3.4", "RSV=4, octet by octet", text(HELLO, rsv=4), chop=OCTETWISE)
    yield refused("3.5", "RSV=5 on a binary message", binary)
    yield refused("3.6", "RSV=6 on a ping", ping(b"Hello, world!", rsv=6))
    yield refused("3.7", "RSV=7 on a close", close(1000, rsv=7))


def _reserved_opcodes() -> Iterator[Case]:
    for group, first in (("4.1", 3), ("4.2", 11)):
        kind = "non-control" if first == 3 else "control"
        empty = [Frame(opcode=first + at) for at in range(5)]
        full = [Frame(opcode=first + at, payload=HELLO) for at in range(5)]
        title = f"Reserved {kind} opcode"
        yield refused(f"{group}.1", f"{title} {first}", empty[0])
        yield refused(f"{group}.2", f"{title} {first + 1}", full[1])
        yield _echo_then_refused(f"{group}.3", f"{title} {first + 2}", empty[2])
        yield _echo_then_refused(f"{group}.4", f"{title} {first + 3}", full[3])
        yield _echo_then_refused(f"{group}.5", f"{title} {first + 4}", full[4], chop=OCTETWISE)


def _fragmentation() -> Iterator[Case]:
    yield refused("5.1", "Ping in two fragments", *fragments(PING, PARTS))
    yield refused("5.2", "Pong in two fragments", *fragments(PONG, PARTS))
    chops = (("at once", None), ("frame by frame", FRAMEWISE), ("octet by octet", OCTETWISE))
    for at, (how, chop) in enumerate(chops):
        yield echoed(f"5.{3 + at}", f"Text in two fragments, {how}", TEXT, PARTS, chop)
    for at, (how, chop) in enumerate(chops):
        yield _ping_amid_fragments(f"5.{6 + at}", f"Ping between two fragments, {how}", chop)
    for first, fin in ((9, True), (12, False)):
        stray = Frame(opcode=CONTINUATION, payload=b"non-continuation payload", fin=fin)
        for at, (how, chop) in enumerate(chops):
            title = f"Nothing to continue, FIN={fin:d}, {how}"
            yield refused(f"5.{first + at}", title, stray, text(HELLO), chop=chop)
    yield _stray_after_fragments()
    for number, fin in (("5.16", False), ("5.17", True)):
        stray = Frame(opcode=CONTINUATION, payload=b"fragment1", fin=fin)
        twice = (stray, *fragments(TEXT, PARTS)) * 2
        yield refused(number, f"Twice nothing to continue, FIN={fin:d}, then text", *twice)
    begin, *_ = fragments(TEXT, PARTS)
    yield refused("5.18", "Two fragments, both of opcode text", begin, text(PARTS[1]))
    yield _pings_amid_fragments("5.19", "Pings amid five fragments", None)
    yield _pings_amid_fragments("5.20", "Pings amid five fragments, frame by frame", FRAMEWISE)


def _ping_amid_fragments(number: str, title: str, chop: int | None) -> Case:
    first, last = fragments(TEXT, PARTS)
    answers = (Message(PONG, b"ping payload"), Message(TEXT, b"".join(PARTS)))
    return Case(number, title, (Exchange((first, ping(b"ping payload"), last), answers, chop),))


def _stray_after_fragments() -> Case:
    """The first message may be echoed still, else NON-STRICT."""
    stray = Frame(opcode=CONTINUATION, payload=b"fragment3", fin=False)
    exchange = Exchange(
        (*fragments(TEXT, PARTS), stray, text(b"4fragment4")), (Message(TEXT, b"".join(PARTS)),)
    )
    title = "Text in two fragments, then nothing to continue"
    return Case("5.15", title, (exchange,), closes=PROTOCOL_ERROR, lenient=True)


def _pings_amid_fragments(number: str, title: str, chop: int | None) -> Case:
    """The first ping is answered before the rest of the message is sent."""
    payloads = (b"4fragment1", b"fragment2", b"fragment3", b"fragment4", b"fragment5")
    one, two, three, four, five = fragments(TEXT, payloads)
    begin = Exchange((one, two, ping(b"1")), (Message(PONG, b"1"),), chop)
    answers = (Message(PONG, b"2"), Message(TEXT, b"".join(payloads)))
    return Case(number, title, (begin, Exchange((three, four, ping(b"2"), five), answers, chop)))


def _closing(limits: Limits) -> Iterator[Case]:
    normal = close(1000)
    closed = partial(refused, codes=(1000,))
    begin, end = fragments(TEXT, PARTS)
    yield echoed("7.1.1", "Message, then close", TEXT, (HELLO,))
    yield closed("7.1.2", "Two closes", normal, close())
    yield closed("7.1.3", "Close, then a ping", normal, ping())
    yield closed("7.1.4", "Close, then a message", normal, text(HELLO))
    yield closed("7.1.5", "Close amid fragments", begin, normal, end)
    yield _close_behind_messages(min(256 * KIB, limits.payload))
    yield refused("7.3.1", "Close without a code", close(), codes=(None, 1000))
    yield refused("7.3.2", "Close with one octet", close(reason=b"a"))
    yield closed("7.3.3", "Close with a code", normal)
    yield closed("7.3.4", "Close with a reason", close(1000, b"Hello World!"))
    yield closed("7.3.5", "Close with a reason of 123", close(1000, b"*" * 123))
    yield refused("7.3.6", "Close with a reason of 124", close(1000, b"*" * 124))
    bad = close(1000, SURROGATE)
    yield refused("7.5.1", "Close with a reason that is not UTF-8", bad, codes=INVALID_TEXT)
    yield from _close_codes()


def _close_behind_messages(size: int) -> Case:
    """Informational: the close may be answered before all is echoed, here NON-STRICT."""
    large = payload_of(TEXT, size)
    sent = (text(large), text(HELLO), close(1000), ping())
    exchange = Exchange(sent, (Message(TEXT, large), Message(TEXT, HELLO)))
    title = f"{size} octets, a message, close and a ping at once"
    return Case("7.1.6", title, (exchange,), closes=(1000,), lenient=True)


def _close_codes() -> Iterator[Case]:
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for at, code in enumerate(valid, 1):
        yield refused(f"7.7.{at}", f"Valid code {code}, sent back", close(code), codes=(code,))
    for at, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield refused(f"7.9.{at}", f"Invalid code {code}", close(code))
    for at, code in enumerate((5000, 65535), 1):
        # Informational: the RFC says nothing of these codes.
        codes: Codes = (1000, code, *PROTOCOL_ERROR)
        yield refused(f"7.13.{at}", f"Undefined code {code}", close(code), codes=codes)


def _beyond_autobahn() -> Iterator[Case]:
    greeting = Exchange((text(HELLO),), (Message(TEXT, HELLO),))
    compressed = Exchange((text(HELLO, rsv=4),))
    offers = "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame, permessage-bzip2"
    title = "Extensions are offered and refused"
    yield Case("x.1", title, (greeting,), extensions=offers)
    title = "Compressed all the same"
    yield Case("x.2", title, (greeting, compressed), closes=PROTOCOL_ERROR, extensions=offers)
    naked = Frame(opcode=TEXT, payload=HELLO, masked=False)
    yield refused("x.3", "A frame without a mask", naked)
    endless = bytes([0x80 | BINARY, 0x80 | 127]) + b"\xff" * 8 + bytes(4)
    yield refused(
        "x.4", "A length with its highest bit set", endless, codes=(*PROTOCOL_ERROR, *TOO_LARGE)
    )
    yield refused("x.5", "Code 1015, which is never sent", close(1015))


LIMITS: Final = Limits()
CASES: Final = cases(LIMITS)


def main() -> int:
    """Try all cases on a server, print a line for each; 1 if any failed."""
    parser = argparse.ArgumentParser(description="RFC 6455, on an Engine.IO echo.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--max-payload", type=int, default=LIMITS.payload)
    parser.add_argument("--max-fragments", type=int, default=LIMITS.fragments)
    parser.add_argument("--only", default="", help="the beginning of the numbers to try")
    wanted = parser.parse_args()
    table = cases(Limits(wanted.max_payload, wanted.max_fragments))
    chosen = [case for case in table if case.number.startswith(wanted.only)]
    count: Counter[Verdict] = Counter()
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda case: check(case, wanted.url), chosen)
        for case, result in zip(chosen, results, strict=True):
            sys.stdout.write(f"{case.number:8} {result.verdict:10} {result}\n")
            count[result.verdict] += 1
    sys.stdout.write(", ".join(f"{count[verdict]} {verdict}" for verdict in Verdict) + "\n")
    return 1 if count[Verdict.FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
