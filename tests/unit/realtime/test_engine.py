"""All sessions of a pod: who is let in, and that nothing is left of who has gone."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator

import pytest

from tests.unit.realtime.network import Line, Listener, engine_of, polled, scope, settled, text
from tests.waiting import until
from whatchat.realtime import engine as engine_module
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import plain_frame
from whatchat.realtime.link import DRAINING, MALFORMED, Transport
from whatchat.realtime.refusals import FORBIDDEN, NOT_NOW, SESSION_UNKNOWN, TOO_MANY
from whatchat.realtime.session import Session


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let patience end within a tenth of a second."""
    for name in ("PROBE_SECONDS", "CLOSE_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(engine_module, name, 0.1)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def engine(listener: Listener) -> AsyncIterator[Engine]:
    engine = engine_of(listener, per_network=2)
    yield engine
    engine.stop()


def remembered(engine: Engine) -> list[Session]:
    """The sessions that anything still refers to, a timer or a count of what is unread."""
    gc.collect()
    objects = gc.get_objects()
    return [each for each in objects if isinstance(each, Session) and each.engine is engine]


async def test_an_address_has_so_many_sessions_and_gets_them_back(engine: Engine) -> None:
    Line(engine)
    second, _ = polled(engine)
    assert engine.refusal(scope("websocket"), "websocket") is TOO_MANY
    assert engine.refusal(scope("polling", "192.0.2.2"), "polling") is None
    assert engine.refusal(scope("polling", sid=second.sid), "polling") is None
    second.end("gone")
    assert engine.refusal(scope("websocket"), "websocket") is None


async def test_whoever_comes_to_a_pod_that_is_closed_forgets_what_led_there(
    listener: Listener,
) -> None:
    engine = engine_of(listener, affinity_cookie="POD")
    assert engine.refusal(scope("polling"), "polling") is None
    listener.open = False
    refusal = engine.refusal(scope("polling"), "polling")
    assert refusal is not None
    assert (b"set-cookie", b"POD=; Path=/; Max-Age=0") in refusal.headers()


async def test_a_pod_that_is_closed_takes_no_newcomers_and_serves_the_rest(
    engine: Engine, listener: Listener
) -> None:
    session, _ = polled(engine)
    listener.open = False
    assert engine.refusal(scope("polling"), "polling") == NOT_NOW
    assert engine.refusal(scope("polling", sid=session.sid), "polling") is None
    assert engine.refusal(scope("polling", sid="another"), "polling") is SESSION_UNKNOWN


async def test_the_guard_is_asked_first(listener: Listener) -> None:
    engine = engine_of(listener, guard=lambda _scope: FORBIDDEN)
    assert engine.refusal({}, "polling") is FORBIDDEN


async def test_the_last_round_trip_of_each_session_is_known(listener: Listener) -> None:
    engine = Engine(listener, Transport(ping_interval_ms=20))
    line = await Line.open(engine)
    line.say(text("3"))
    assert [one.round_trip for one in engine.sessions.values()] == [None]  # nobody had asked
    await until(lambda: line.network.sent.endswith(b"2"))
    time.sleep(0.03)  # noqa: ASYNC251 - the answer takes that long
    line.say(text("3"))
    trip = line.session.round_trip
    assert trip is not None
    assert 0.03 <= trip < 1
    assert line.session.pinged_at == 0
    engine.stop()


@pytest.mark.parametrize("way", ["cut", "left", "dismissed", "pausing", "writing"])
async def test_nothing_is_left_of_who_has_gone(engine: Engine, way: str) -> None:
    line = await Line.open(engine)
    if way == "left":
        line.say(text("1"))
    elif way == "dismissed":
        line.session.dismiss(MALFORMED)
    elif way == "pausing":
        line.session.pause()
    elif way == "writing":
        line.session.write(plain_frame("4late"))
    line.cut()
    if way == "cut":
        line.session.pause()
        line.session.resume()
    assert line.session.closed
    await settled()
    assert line.network.late == b""
    del line
    assert remembered(engine) == []


async def test_closing_waits_until_all_are_gone(engine: Engine, listener: Listener) -> None:
    silent = await Line.open(engine)
    polled(engine)
    _, waiting = polled(engine)
    getting = asyncio.create_task(waiting.get())
    await asyncio.sleep(0)
    closing = asyncio.create_task(engine.close(DRAINING))
    assert [frame.text for frame in await getting] == ["1"]
    await asyncio.sleep(0.02)
    assert not closing.done(), "the silent one has not answered"
    await asyncio.wait_for(closing, 1)
    assert silent.network.ended == "abort"
    assert sorted(listener.ends) == ["server disconnect", "server disconnect", "transport close"]
    assert engine.sessions == {}
    await asyncio.wait_for(engine.close(DRAINING), 1)


async def test_a_stopped_engine_has_no_timer(engine: Engine) -> None:
    line = await Line.open(engine)
    line.session.pause()
    engine.stop()
    await asyncio.sleep(0.15)
    assert not line.session.closing


async def test_a_message_after_the_end_is_nobodys(engine: Engine, listener: Listener) -> None:
    line = await Line.open(engine)
    line.say(text("1"), text("4late"))
    assert listener.ends == ["client disconnect"]
    assert listener.heard == []
