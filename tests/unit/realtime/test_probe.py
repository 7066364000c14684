"""A WebSocket that takes over from polling."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.realtime.network import Line, Listener, engine_of, polled, settled, text
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import close_frame, plain_frame
from whatchat.realtime.link import SLOW_CONSUMER

OUTBOX_BYTES = 10_000
ANSWER = plain_frame("3probe").wire


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = engine_of(Listener(), outbox_bytes=OUTBOX_BYTES)
    yield engine
    engine.stop()


@pytest.mark.parametrize(
    ("is_full", "arrives"), [(False, ["4first", "4large", "4last"]), (True, [])]
)
async def test_what_waited_with_polling_is_handed_over_and_none_follows_a_close(
    engine: Engine, *, is_full: bool, arrives: list[str]
) -> None:
    session, polling = polled(engine)
    frames = {"4first": plain_frame("4first".ljust(5_000)), "4last": plain_frame("4last")}
    left = OUTBOX_BYTES - sum(len(frame.wire) for frame in frames.values())
    frames["4large"] = plain_frame("4large".ljust(left - 4))
    for name in ("4first", "4large", "4last"):
        session.write(frames[name])
    assert (polling.buffered, session.closing) == (OUTBOX_BYTES, False)

    line = await Line.open(engine, session.sid)
    line.network.room = 0 if is_full else 2**40
    line.say(text("2probe"))
    await settled()
    line.say(text("5"))
    assert session.carrier is line.protocol
    line.network.clear()
    await settled()
    end = close_frame(SLOW_CONSUMER.code) if is_full else b""
    assert line.network.sent == ANSWER + b"".join(frames[name].wire for name in arrives) + end
