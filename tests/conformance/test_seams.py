"""picows as we use it: frames of any kind, however they arrive, for one connection or another.

``make seams-latest`` runs this and its siblings on the newest releases.
"""

import gc
import os
import tracemalloc
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.conformance.rfc6455_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    length_field,
)
from whatchat.realtime.parsed_frame import ParsedFrame
from whatchat.realtime.seams import FrameParser, FrameParsers

MOST = 65_536
FEW_KIB = 4_096
HEADER_OCTETS = 14  # of the longest
SHAPES = {
    "empty": Frame(opcode=TEXT),
    "short": Frame(opcode=TEXT, payload=b"4hello"),
    "the longest of its length field": Frame(opcode=TEXT, payload=b"x" * 125),
    "medium": Frame(opcode=TEXT, payload="é".encode() * 63),
    "large": Frame(opcode=BINARY, payload=os.urandom(MOST)),
    "a fragment": Frame(opcode=TEXT, payload=b"4hel", fin=False),
    "the rest": Frame(opcode=CONTINUATION, payload=b"lo"),
    "ping": Frame(opcode=PING, payload=b"?"),
    "pong": Frame(opcode=PONG),
    "close": Frame(opcode=CLOSE, payload=b"\x03\xe8bye"),
}

Seen = tuple[int, bool, bytes]


class Sink:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def frame_came(self, frame: ParsedFrame) -> None:
        payload = frame.get_payload_as_bytes()
        assert frame.payload_size == len(payload)
        self.seen.append((int(frame.msg_type), bool(frame.fin), payload))


def seen(*frames: Frame) -> list[Seen]:
    return [(frame.opcode, frame.fin, frame.payload) for frame in frames]


def feed(parser: FrameParser, sink: Sink, *reads: bytes) -> None:
    """What a connection does with what arrives."""
    for read in reads:
        rest = memoryview(read)
        while rest and not parser.failure:
            taken = parser.feed(sink, rest)
            assert 0 < taken <= FEW_KIB
            rest = rest[taken:]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def parser() -> FrameParser:
    return FrameParser(MOST)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_frame_may_arrive_in_two_parts(shape: str) -> None:
    octets = SHAPES[shape].encode()
    places = range(1, len(octets))
    if len(octets) > 500:
        places = range(1, HEADER_OCTETS + 2)
    for place in places:
        parser, sink = FrameParser(MOST), Sink()
        feed(parser, sink, octets[:place])
        assert (sink.seen, parser.is_between_frames) == ([], False)
        feed(parser, sink, octets[place:])
        assert sink.seen == seen(SHAPES[shape])
        assert parser.is_between_frames
        assert parser.failure == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000, 4_096, 4_097, 65_536, 1_000_000])
async def test_frames_may_arrive_in_reads_of_any_size(
    parser: FrameParser, sink: Sink, size: int
) -> None:
    frames = [Frame(opcode=TEXT, payload=b"4%d" % number) for number in range(1_000)]
    frames[500:500] = SHAPES.values()
    octets = b"".join(frame.encode() for frame in frames)
    feed(parser, sink, *(octets[place : place + size] for place in range(0, len(octets), size)))
    assert sink.seen == seen(*frames)
    assert parser.is_between_frames


async def test_a_frame_that_ends_a_read_leaves_nothing_of_the_next_behind(
    parser: FrameParser, sink: Sink
) -> None:
    first, second = SHAPES["short"].encode(), SHAPES["medium"].encode()
    feed(parser, sink, first + second[:1])
    assert sink.seen == seen(SHAPES["short"])
    assert not parser.is_between_frames
    feed(parser, sink, second[1:])
    assert parser.is_between_frames


async def test_little_is_taken_at_a_time_also_after_a_large_frame(
    parser: FrameParser, sink: Sink
) -> None:
    feed(parser, sink, SHAPES["large"].encode())
    messages = memoryview(Frame(opcode=TEXT, payload=b'42["a"]').encode() * 20_000)
    assert 0 < parser.feed(sink, messages) <= FEW_KIB


FLAWS = {
    "an unknown opcode": (1002, Frame(opcode=3).encode()),
    "an unknown control opcode": (1002, Frame(opcode=11).encode()),
    "no mask": (1002, Frame(opcode=TEXT, payload=b"4", masked=False).encode()),
    "a fragmented ping": (1002, Frame(opcode=PING, fin=False).encode()),
    "a long ping": (1002, Frame(opcode=PING, payload=b"x" * 126).encode()),
    "a length longer than need be": (1002, b"\x81\xfe\x00\x05" + bytes(9)),
    "a length much longer than need be": (1002, b"\x81\xff" + bytes(7) + b"\x05" + bytes(9)),
    "a negative length": (1002, b"\x81\xff" + b"\xff" * 8),
    "a close of one octet": (1002, Frame(opcode=CLOSE, payload=b"\x03").encode()),
    "a close with a reason that is no text": (
        1007,
        Frame(opcode=CLOSE, payload=b"\x03\xe8\xff").encode(),
    ),
    "more than the limit, its header alone": (1009, b"\x81" + length_field(MOST + 1)),
    "very much more": (1009, b"\x82\xff\x7f" + b"\xff" * 7),
}


@pytest.mark.parametrize("flaw", FLAWS)
async def test_what_is_no_frame_fails_behind_what_came_before(
    parser: FrameParser, sink: Sink, flaw: str
) -> None:
    code, octets = FLAWS[flaw]
    before = Frame(opcode=TEXT, payload=b"4before")
    feed(parser, sink, before.encode() + octets + Frame(opcode=TEXT, payload=b"4after").encode())
    assert parser.failure == code
    assert sink.seen == seen(before)


async def test_an_error_in_the_callback_is_logged_once_and_ends_the_parser(
    parser: FrameParser,
) -> None:
    class Faulty(Sink):
        def frame_came(self, frame: ParsedFrame) -> None:
            super().frame_came(frame)
            raise ZeroDivisionError

    sink = Faulty()
    with capture_logs() as lines:
        feed(parser, sink, SHAPES["short"].encode() * 3)
    assert parser.failure == 1011
    assert len(sink.seen) == 1
    assert [line["log_level"] for line in lines] == ["error"]


async def test_a_parser_is_lent_to_one_at_a_time(sink: Sink) -> None:
    parsers = FrameParsers(MOST)
    first = parsers.borrow()
    assert parsers.borrow() is not first
    parsers.give_back(first)
    assert parsers.borrow() is first


async def test_a_message_begun_by_one_connection_is_not_anothers(
    parser: FrameParser, sink: Sink
) -> None:
    feed(parser, sink, SHAPES["a fragment"].encode())
    assert parser.is_between_frames
    other = Sink()
    feed(parser, other, SHAPES["short"].encode())
    feed(parser, sink, SHAPES["the rest"].encode())
    assert other.seen == seen(SHAPES["short"])
    assert sink.seen == seen(SHAPES["a fragment"], SHAPES["the rest"])
    assert parser.failure == 0


@pytest.fixture
def traced() -> Iterator[None]:
    """Memory is traced, and freed without the collector's help or not at all."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


async def test_what_a_parser_gathered_goes_with_it(traced: None) -> None:
    feed(FrameParser(MOST), Sink(), SHAPES["short"].encode())
    begun = SHAPES["large"].encode()[:-1]
    before, _ = tracemalloc.get_traced_memory()
    parsers = [FrameParser(MOST) for _ in range(20)]
    for parser in parsers:
        feed(parser, Sink(), begun)
    gathered, _ = tracemalloc.get_traced_memory()
    assert gathered - before > 20 * MOST
    parsers.clear()
    del parser
    left, _ = tracemalloc.get_traced_memory()
    assert left - before < MOST
