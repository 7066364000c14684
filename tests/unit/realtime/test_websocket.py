"""One WebSocket: what waits for the network, what is not read yet, and how it ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conformance.rfc6455_frames import TEXT, Frame
from tests.unit.realtime.network import Line, Listener, close, engine_of, ping, settled, text
from tests.waiting import until
from whatchat.realtime import engine as engine_module
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import PONG, close_frame, encode, plain_frame
from whatchat.realtime.link import DRAINING, MALFORMED

OUTBOX_BYTES = 10_000
FEW_KIB = 4_096
PATIENCE = 0.05


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let patience end within a twentieth of a second."""
    for name in ("PROBE_SECONDS", "CLOSE_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(engine_module, name, PATIENCE)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def engine(listener: Listener) -> AsyncIterator[Engine]:
    engine = engine_of(listener, outbox_bytes=OUTBOX_BYTES)
    yield engine
    engine.stop()


@pytest.fixture
async def line(engine: Engine) -> AsyncIterator[Line]:
    line = await Line.open(engine)
    yield line
    await settled()
    assert line.network.late == b""


def message(number: int) -> bytes:
    return plain_frame(f"4{number}".ljust(1_000)).wire


def messages(*numbers: int) -> bytes:
    return b"".join(map(message, numbers))


def write(line: Line, *numbers: int) -> None:
    for number in numbers:
        line.session.write(plain_frame(f"4{number}".ljust(1_000)))


async def clog(line: Line, number: int = 0) -> None:
    """Have the peer read no more; a message is on its way to it."""
    line.network.room = 0
    write(line, number)
    await settled()
    assert line.session.congested


# What waits for the network.


async def test_what_is_written_arrives_in_order(line: Line) -> None:
    write(line, *range(3))
    await settled()
    write(line, 3)
    await settled()
    assert line.network.sent == messages(*range(4))
    assert (line.session.congested, line.session.buffered) == (False, 0)


async def test_what_the_network_does_not_take_waits_in_order(line: Line) -> None:
    size = len(message(0))
    line.network.room = size
    write(line, 0, 1)
    await settled()
    write(line, 2)
    await settled()
    assert line.network.sent == message(0)
    assert (line.session.congested, line.session.buffered) == (True, 2 * size)
    line.network.clear(size)
    write(line, 3)
    await settled()
    assert line.network.sent == messages(0, 1)
    assert (line.session.congested, line.session.buffered) == (True, 2 * size)
    line.network.clear()
    await settled()
    assert line.network.sent == messages(*range(4))
    assert (line.session.congested, line.session.buffered) == (False, 0)


async def test_who_leaves_too_much_unread_is_told_so_in_place_of_it(line: Line) -> None:
    await clog(line)
    fits = OUTBOX_BYTES // len(message(0))
    write(line, *range(1, fits))
    assert not line.session.closing
    write(line, fits, fits + 1)
    assert line.session.closing
    assert line.session.buffered < 2 * len(message(0))
    line.network.clear()
    await settled()
    assert line.network.sent == message(0) + close_frame(4408)


async def test_a_client_that_reads_nothing_gets_no_pongs(line: Line) -> None:
    line.say(ping(b"1"))
    await clog(line)
    for _ in range(10_000):
        line.say(ping(b"2"))
    await settled()
    assert line.session.buffered == len(message(0))
    line.network.clear()
    line.say(ping(b"3"))
    await settled()
    assert line.network.sent == encode(PONG, b"1") + message(0) + encode(PONG, b"3")


async def test_a_pong_leaves_behind_the_handshake_that_brought_its_ping(engine: Engine) -> None:
    line = Line(engine)
    line.say(ping(b"1"))
    await settled()
    head, _, frames = line.network.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b'0{"sid":' in frames[:12]
    assert frames.endswith(b"}" + encode(PONG, b"1"))


# How it ends.


async def test_what_was_written_is_out_when_the_peer_has_half_closed(line: Line) -> None:
    write(line, 0, 1)
    line.half_close()
    assert line.network.sent == messages(0, 1)


async def test_a_half_closed_client_that_reads_a_trickle_is_cut_off(
    line: Line, listener: Listener
) -> None:
    await clog(line)
    line.half_close()

    def is_gone() -> bool:
        line.network.clear(1)
        return listener.ends == ["transport close"]

    await until(is_gone, seconds=1)
    assert line.network.ended == "abort"
    assert 0 < len(line.network.sent) < len(message(0))


async def test_a_close_leaves_behind_what_was_written_and_before_nothing(line: Line) -> None:
    write(line, 0, 1)
    line.session.shut(DRAINING)
    write(line, 2)
    await settled()
    assert line.network.sent == messages(0, 1) + close_frame(4503)
    line.say(text("4ignored"), close(4503))
    assert line.network.ended == "close"


async def test_a_close_leaves_behind_what_waits(line: Line) -> None:
    await clog(line)
    write(line, 1)
    line.session.shut(DRAINING)
    line.network.clear()
    await settled()
    assert line.network.sent == messages(0, 1) + close_frame(4503)


async def test_a_client_that_does_not_answer_a_close_is_cut_off(
    line: Line, listener: Listener
) -> None:
    line.session.shut(DRAINING)
    assert listener.ends == []
    await until(lambda: listener.ends == ["transport close"])
    assert (line.network.sent, line.network.ended) == (close_frame(4503), "abort")


async def test_nothing_follows_the_answer_to_a_close(line: Line, listener: Listener) -> None:
    write(line, 0)
    line.say(close(1000), text("4late"), ping())
    write(line, 1)
    await settled()
    assert line.network.sent == message(0) + close_frame(1000)
    assert line.network.ended == "close"
    line.cut()
    assert (listener.heard, listener.ends) == ([], ["transport close"])


async def test_a_violation_is_answered_with_its_code_and_nothing_more_is_read(
    line: Line, listener: Listener
) -> None:
    write(line, 0)
    line.say(text("4before"), Frame(opcode=TEXT, payload=b"4bad", rsv=4), text("4after"))
    line.say(text("4later"), ping())
    await settled()
    assert listener.heard == ["before"]
    assert line.network.sent == message(0) + close_frame(1002)
    assert line.network.ended == "eof", "what the peer still sends is read and dropped"
    await until(lambda: listener.ends == ["transport close"])


async def test_a_violation_while_the_network_is_full_ends_all_the_same(
    line: Line, listener: Listener
) -> None:
    await clog(line)
    line.say(Frame(opcode=TEXT, payload=b"\xff"))
    assert line.network.ended == ""
    line.network.clear()
    await settled()
    assert line.network.sent == message(0) + close_frame(1007)
    await until(lambda: listener.ends == ["transport close"])


async def test_a_dismissed_session_writes_and_hears_no_more(line: Line, listener: Listener) -> None:
    line.session.dismiss(MALFORMED)
    line.session.dismiss(DRAINING)
    write(line, 0)
    line.say(text("4late"), text("1"))
    await settled()
    assert line.network.sent == close_frame(4400)
    assert (listener.heard, listener.ends) == ([], [])


# What is not read yet.


async def test_a_reader_that_pauses_hears_little_of_what_was_there(
    line: Line, listener: Listener
) -> None:
    listener.pauses_at = 64
    frame = text('42["a"]')
    line.say(*[frame] * 20_000)
    heard = len(listener.heard)
    assert 64 <= heard <= 64 + FEW_KIB // len(frame.encode()) + 1
    assert not line.network.reading
    line.session.resume()
    await until(lambda: line.network.reading)
    assert len(listener.heard) == 20_000


async def test_a_flood_of_frames_gives_way_to_others(line: Line) -> None:
    line.say(*[ping(b"?")] * 50_000)
    turns = 0
    while not line.network.reading:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 10
    assert line.network.sent == encode(PONG, b"?") * 50_000


async def test_a_reader_that_pauses_too_long_is_a_slow_consumer(
    line: Line, listener: Listener
) -> None:
    listener.pauses_at = 1
    line.say(*[text("4message")] * 2_000, close(1000))
    heard = len(listener.heard)
    assert heard < 2_000
    await until(lambda: line.session.closing)
    await settled()
    assert line.network.sent == close_frame(4408)
    # The client's own close was among what was not read.
    assert (len(listener.heard), line.network.ended) == (heard, "close")


async def test_a_socket_costs_no_dictionary(line: Line) -> None:
    assert not hasattr(line.protocol, "__dict__")
    assert not hasattr(line.session, "__dict__")
