"""Deadlines, heartbeats, inboxes and outboxes."""

import asyncio
from functools import partial

import pytest
from structlog.testing import capture_logs

from tests.waiting import until
from whatchat.realtime.codec import plain_frame
from whatchat.realtime.deadlines import COMPACT_ABOVE, Deadlines
from whatchat.realtime.heartbeat import Heartbeat
from whatchat.realtime.inbox import MAX_WAITING, Inbox
from whatchat.realtime.outbox import Outbox
from whatchat.realtime.tasks import Tasks


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


class Pulse:
    def __init__(self, deadlines: Deadlines) -> None:
        self.pings = 0
        self.lost = False
        self.paused = False
        self.heartbeat = Heartbeat(
            deadlines,
            interval=0.02,
            timeout=0.02,
            ping=self._ping,
            lost=self._lost,
            paused=lambda: self.paused,
        )
        self.heartbeat.beat()

    def has_pinged(self, times: int) -> bool:
        return self.pings >= times

    def _ping(self) -> None:
        self.pings += 1

    def _lost(self) -> None:
        self.lost = True


async def test_a_client_that_answers_stays(deadlines: Deadlines) -> None:
    pulse = Pulse(deadlines)
    for beat in range(1, 4):
        await until(partial(pulse.has_pinged, beat))
        pulse.heartbeat.beat()
    assert not pulse.lost


async def test_a_client_that_does_not_answer_is_lost(deadlines: Deadlines) -> None:
    pulse = Pulse(deadlines)
    await asyncio.sleep(0.1)
    assert (pulse.pings, pulse.lost) == (1, True)


async def test_the_deadline_of_a_paused_client_stands_still(deadlines: Deadlines) -> None:
    pulse = Pulse(deadlines)
    pulse.paused = True
    await asyncio.sleep(0.1)
    assert not pulse.lost
    pulse.paused = False
    await asyncio.sleep(0.1)
    assert pulse.lost


async def test_a_stopped_heartbeat_asks_nothing(deadlines: Deadlines) -> None:
    pulse = Pulse(deadlines)
    pulse.heartbeat.stop()
    pulse.heartbeat.beat()
    await asyncio.sleep(0.1)
    assert (pulse.pings, pulse.lost) == (0, False)


async def test_jobs_run_one_after_the_other(tasks: Tasks) -> None:
    inbox, log = Inbox(tasks), list[str]()

    async def job(number: int) -> None:
        log.append(f"begin {number}")
        await asyncio.sleep(0.001 * (3 - number))
        log.append(f"end {number}")

    for number in range(3):
        inbox.put(partial(job, number))
    await inbox.idle()
    assert log == [f"{step} {number}" for number in range(3) for step in ("begin", "end")]


async def test_a_full_inbox_has_room_once_a_job_began(tasks: Tasks) -> None:
    inbox, gate = Inbox(tasks), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    inbox.put(wait)
    await asyncio.sleep(0)
    for _ in range(MAX_WAITING):
        assert not inbox.full
        inbox.put(wait)
    assert inbox.full
    waiting = asyncio.create_task(inbox.room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    gate.set()
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(inbox.idle(), 1)


async def test_a_job_that_raises_is_logged_and_takes_none_along(tasks: Tasks) -> None:
    inbox, done = Inbox(tasks), asyncio.Event()

    async def fail() -> None:
        raise ValueError

    async def finish() -> None:
        done.set()

    with capture_logs() as lines:
        inbox.put(fail)
        inbox.put(finish)
        await inbox.idle()
    assert done.is_set()
    assert [line["log_level"] for line in lines] == ["error"]


async def test_an_outbox_counts_its_bytes_and_ends_behind_what_is_in() -> None:
    outbox = Outbox()
    for text in ("a", "é", "c"):
        outbox.put(plain_frame(text))
    assert outbox.size == 4
    assert [frame.text for frame in await outbox.take(2)] == ["a", "é"]
    assert (outbox.size, outbox.ended) == (1, False)
    outbox.end()
    outbox.put(plain_frame("late"))
    assert [frame.text for frame in await outbox.take()] == ["c"]
    assert (outbox.size, outbox.ended) == (0, True)
    assert await outbox.take() == []


async def test_an_empty_outbox_waits() -> None:
    outbox = Outbox()
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0.01)
    outbox.put(plain_frame("a"))
    outbox.discard()
    await asyncio.sleep(0.01)
    assert not taking.done()
    outbox.put(plain_frame("b"))
    assert [frame.text for frame in await asyncio.wait_for(taking, 1)] == ["b"]


async def test_what_a_task_raises_is_logged(tasks: Tasks) -> None:
    async def fail() -> None:
        raise ValueError("told")

    with capture_logs() as lines:
        task = tasks.spawn(fail(), name="failing")
        with pytest.raises(ValueError, match="told"):
            await task
        await asyncio.sleep(0)
    assert [line["task"] for line in lines] == ["failing"]
