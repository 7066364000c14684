"""Deadlines, wheels and heartbeats."""

import asyncio
from functools import partial
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs

from tests.waiting import until
from whatchat.realtime.deadlines import COMPACT_ABOVE, Deadlines
from whatchat.realtime.heartbeat import Heartbeat
from whatchat.realtime.tasks import Tasks
from whatchat.realtime.wheel import Wheel


async def test_deadlines_pass_in_order_and_cancelled_ones_do_not(deadlines: Deadlines) -> None:
    passed: list[int] = []
    for number in (3, 1, 4, 2):
        deadlines.after(number / 100, partial(passed.append, number))
    never = deadlines.after(0.015, partial(passed.append, 0))
    never.cancel()
    never.cancel()
    await asyncio.sleep(0.08)
    assert passed == [1, 2, 3, 4]


async def test_an_earlier_deadline_is_not_held_up_by_a_later_one(deadlines: Deadlines) -> None:
    passed = asyncio.Event()
    deadlines.after(60, lambda: None)
    deadlines.after(0.01, passed.set)
    await asyncio.wait_for(passed.wait(), 1)


def test_a_deadline_that_has_come_holds_up_none_that_follows() -> None:
    passed: list[str] = []

    async def set_some() -> None:
        deadlines = Deadlines()
        deadlines.after(0, partial(passed.append, "now"))
        deadlines.after(0.01, partial(passed.append, "soon"))
        deadlines.after(-1, partial(passed.append, "late"))
        await until(lambda: len(passed) == 3)
        deadlines.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(set_some())
    assert passed == ["late", "now", "soon"]


async def test_a_deadline_that_raises_holds_up_none_of_the_others(deadlines: Deadlines) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    passed = asyncio.Event()

    def fail() -> None:
        raise ValueError

    deadlines.after(0.01, fail)
    deadlines.after(0.01, passed.set)
    await asyncio.wait_for(passed.wait(), 1)
    assert len(failures) == 1


async def test_cancelled_deadlines_are_let_go(deadlines: Deadlines) -> None:
    kept = asyncio.Event()
    deadlines.after(0.05, kept.set)
    for _ in range(10_000):
        deadlines.after(3600, lambda: None).cancel()
    assert len(deadlines._heap) <= 2 * COMPACT_ABOVE + 2
    await asyncio.wait_for(kept.wait(), 1)


async def test_closed_deadlines_never_pass() -> None:
    deadlines, passed = Deadlines(), asyncio.Event()
    deadlines.after(0.01, passed.set)
    deadlines.close()
    deadlines.after(0.01, passed.set)
    await asyncio.sleep(0.05)
    assert not passed.is_set()


class Expiries:
    """A wheel, and what expired when, in seconds from the start."""

    def __init__(self, seconds: float) -> None:
        self.seen: list[tuple[str, float]] = []
        self.then: dict[str, Any] = {}
        self.wheel: Wheel[str] = Wheel(seconds, self._expired)
        self._start = asyncio.get_running_loop().time()

    def _expired(self, key: str) -> None:
        self.seen.append((key, asyncio.get_running_loop().time() - self._start))
        if then := self.then.pop(key, None):
            then()

    def keys(self) -> list[str]:
        return [key for key, _ in self.seen]


async def test_a_wheel_calls_in_the_order_of_arrival_and_never_early() -> None:
    expiries = Expiries(0.05)
    expiries.wheel.put("a")
    await asyncio.sleep(0.02)
    expiries.wheel.put("b")
    await until(lambda: len(expiries.seen) == 2)
    (first, at), (second, later) = expiries.seen
    assert (first, second) == ("a", "b")
    assert at >= 0.049
    assert later >= 0.069
    assert len(expiries.wheel) == 0


async def test_what_is_put_in_again_waits_anew_and_what_is_dropped_not_at_all() -> None:
    expiries = Expiries(0.05)
    for key in ("again", "dropped", "once"):
        expiries.wheel.put(key)
    await asyncio.sleep(0.02)
    expiries.wheel.put("again")
    assert expiries.wheel.drop("dropped")
    assert not expiries.wheel.drop("dropped")
    assert "again" in expiries.wheel
    assert "dropped" not in expiries.wheel
    await until(lambda: len(expiries.seen) == 2)
    await asyncio.sleep(0.02)
    assert expiries.keys() == ["once", "again"]


async def test_what_is_put_in_while_others_expire_holds_up_nobody() -> None:
    expiries = Expiries(0.4)
    expiries.then["a"] = partial(expiries.wheel.put, "a")
    expiries.wheel.put("a")
    await asyncio.sleep(0.1)
    expiries.wheel.put("b")
    await until(lambda: len(expiries.seen) == 3)
    assert expiries.keys() == ["a", "b", "a"]
    assert expiries.seen[1][1] < 0.7, "it waited for the next turn of the first"


async def test_who_is_dropped_by_one_that_expires_with_it_does_not() -> None:
    expiries = Expiries(0.02)

    def drop_and_put() -> None:
        expiries.wheel.drop("b")
        expiries.wheel.put("c")

    expiries.then["a"] = drop_and_put
    for key in "abc":
        expiries.wheel.put(key)
    await asyncio.sleep(0.03)
    assert expiries.keys() == ["a"]
    await until(lambda: expiries.keys() == ["a", "c"])


async def test_a_deadline_of_a_wheel_that_raises_is_logged_and_holds_up_nobody() -> None:
    expiries = Expiries(0.01)
    expiries.then["a"] = lambda: 1 / 0
    expiries.wheel.put("a")
    expiries.wheel.put("b")
    with capture_logs() as lines:
        await until(lambda: len(expiries.seen) == 2)
    assert [line["log_level"] for line in lines] == ["error"]


async def test_a_closed_wheel_calls_nothing_also_if_it_is_closed_by_what_it_calls() -> None:
    expiries = Expiries(0.01)
    expiries.then["a"] = expiries.wheel.close
    expiries.wheel.put("a")
    expiries.wheel.put("b")
    await asyncio.sleep(0.05)
    assert expiries.keys() == ["a"]


async def test_a_wheel_has_one_timer_however_many_turn_with_it() -> None:
    loop: Any = asyncio.get_running_loop()
    expiries = Expiries(60)
    before = len(loop._scheduled)
    for number in range(1_000):
        expiries.wheel.put(str(number))
    assert len(loop._scheduled) == before + 1
    expiries.wheel.close()


class Clients:
    """A heartbeat with notes: who was asked, who was lost."""

    def __init__(self, *, interval: float = 0.02, timeout: float = 0.04) -> None:
        self.asked: list[str] = []
        self.lost: list[str] = []
        self.paused: set[str] = set()
        self.heartbeat: Heartbeat[str] = Heartbeat(
            interval,
            timeout,
            ping=self.asked.append,
            lost=self.lost.append,
            paused=self.paused.__contains__,
        )

    def asked_of(self, client: str, times: int) -> bool:
        return self.asked.count(client) >= times


async def test_a_client_that_answers_stays_and_one_that_does_not_is_lost() -> None:
    clients = Clients()
    clients.heartbeat.start("alive")
    clients.heartbeat.start("dead")
    for beat in range(1, 6):
        await until(partial(clients.asked_of, "alive", beat))
        clients.heartbeat.answered("alive")
    clients.heartbeat.close()
    assert clients.lost == ["dead"]
    assert clients.asked.count("dead") == 1


async def test_an_answer_that_nobody_asked_for_counts_for_nothing() -> None:
    clients = Clients(interval=0.1)
    clients.heartbeat.start("eager")
    await asyncio.sleep(0.08)
    clients.heartbeat.answered("eager")
    await until(lambda: clients.asked == ["eager"], seconds=0.07)
    clients.heartbeat.answered("stranger")
    clients.heartbeat.close()


async def test_the_deadline_of_a_paused_client_stands_still_and_nobody_elses() -> None:
    clients = Clients(timeout=0.4)
    clients.paused.add("paused")
    clients.heartbeat.start("paused")
    await asyncio.sleep(0.1)
    clients.heartbeat.start("dead")
    await until(lambda: clients.lost == ["dead"], seconds=0.6)
    await asyncio.sleep(0.4)
    assert clients.lost == ["dead"]
    clients.paused.clear()
    await until(lambda: clients.lost == ["dead", "paused"])


async def test_who_has_left_is_neither_asked_nor_lost() -> None:
    clients = Clients()
    clients.heartbeat.start("rested")
    clients.heartbeat.start("asked")
    clients.heartbeat.stop("rested")
    await until(lambda: clients.asked == ["asked"])
    clients.heartbeat.stop("asked")
    clients.heartbeat.answered("asked")
    await asyncio.sleep(0.08)
    assert (clients.asked, clients.lost) == (["asked"], [])


async def test_a_closed_heartbeat_asks_nobody() -> None:
    clients = Clients()
    clients.heartbeat.start("client")
    clients.heartbeat.close()
    await asyncio.sleep(0.05)
    assert clients.asked == []


async def test_what_a_task_raises_is_logged(tasks: Tasks) -> None:
    async def fail() -> None:
        raise ValueError("told")

    with capture_logs() as lines:
        task = tasks.spawn(fail(), name="failing")
        with pytest.raises(ValueError, match="told"):
            await task
        await asyncio.sleep(0)
    assert [line["task"] for line in lines] == ["failing"]
