"""What one turn of the loop writes, and in which pieces it leaves."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.unit.realtime.network import Line, Listener, engine_of, settled
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import plain_frame
from whatchat.realtime.outflow import AT_ONCE_BYTES

SMALL, LARGE = plain_frame("4" + "s" * 999), plain_frame("4" + "l" * 2 * AT_ONCE_BYTES)


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = engine_of(Listener())
    yield engine
    engine.stop()


async def test_what_a_turn_writes_leaves_in_one_piece(engine: Engine) -> None:
    line = await Line.open(engine)
    for _ in range(10):
        line.session.write(SMALL)
    assert line.network.writes == []
    await settled()
    assert line.network.writes == [10 * len(SMALL.wire)]


async def test_much_does_not_wait_for_the_end_of_the_turn(engine: Engine) -> None:
    line = await Line.open(engine)
    frames = [SMALL] * 200
    for frame in frames:
        line.session.write(frame)
        assert line.session.buffered <= AT_ONCE_BYTES
    await settled()
    assert line.network.sent == b"".join(frame.wire for frame in frames)
    assert AT_ONCE_BYTES - len(SMALL.wire) < max(line.network.writes) <= AT_ONCE_BYTES


async def test_a_large_frame_is_a_piece_of_its_own(engine: Engine) -> None:
    line = await Line.open(engine)
    for frame in (SMALL, LARGE, SMALL):
        line.session.write(frame)
    await settled()
    assert line.network.sent == SMALL.wire + LARGE.wire + SMALL.wire
    assert line.network.writes == [len(frame.wire) for frame in (SMALL, LARGE, SMALL)]


async def test_a_network_that_raises_holds_up_nobody_else(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_data: bytes) -> None:
        raise OSError

    lines = [await Line.open(engine) for _ in range(3)]
    monkeypatch.setattr(lines[1].network, "write", fail)
    with capture_logs() as logged:
        for line in lines:
            line.session.write(SMALL)
        await settled()
    assert [line.network.sent for line in lines] == [SMALL.wire, b"", SMALL.wire]
    assert [entry["log_level"] for entry in logged] == ["error"]


async def test_who_wants_to_know_is_told_when_the_turn_is_with_the_network(engine: Engine) -> None:
    line = await Line.open(engine)
    seen: list[list[int]] = []
    engine.flusher.then(lambda: seen.append(list(line.network.writes)))
    line.session.write(SMALL)  # written after it was asked for, in the same turn
    await settled()
    assert seen == [[len(SMALL.wire)]]
    engine.flusher.then(lambda: seen.append([]))
    await settled()
    assert seen == [[len(SMALL.wire)], []]
