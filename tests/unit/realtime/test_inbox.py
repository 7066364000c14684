"""What one client asks for is done in order, and no more of it is kept than agreed."""

import asyncio
from contextvars import ContextVar
from functools import partial
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from tests.waiting import until
from whatchat.realtime.inbox import MAX_WAITING, READ_AGAIN_BELOW, Inbox
from whatchat.realtime.tasks import Tasks
from whatchat.realtime.workers import MOST_PARKED, Workers


class Reader:
    """Notes what it was asked, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


class Gate:
    """Holds up jobs; lets them through one by one."""

    def __init__(self) -> None:
        self.done = 0
        self._permits = asyncio.Semaphore(0)

    async def job(self) -> None:
        await self._permits.acquire()
        self.done += 1

    async def let_through(self, count: int) -> None:
        wanted = self.done + count
        for _ in range(count):
            self._permits.release()
        await until(lambda: self.done == wanted)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def workers(tasks: Tasks) -> Workers:
    return Workers(tasks)


@pytest.fixture
def inbox(reader: Reader, workers: Workers) -> Inbox:
    return Inbox(reader, workers)


async def test_jobs_run_one_after_the_other(inbox: Inbox) -> None:
    log: list[str] = []

    async def job(number: int) -> None:
        log.append(f"begin {number}")
        await asyncio.sleep(0.001 * (3 - number))
        log.append(f"end {number}")

    for number in range(3):
        inbox.put(partial(job, number))
    await inbox.idle()
    assert log == [f"{step} {number}" for number in range(3) for step in ("begin", "end")]


async def test_after_each_job_everybody_else_has_a_turn(workers: Workers) -> None:
    """Also while the reader brings new ones for as long as it is let."""
    done = 0

    async def job() -> None:
        nonlocal done
        done += 1

    class Endless(Reader):
        def resume(self) -> None:
            if done < 10 * MAX_WAITING:
                for _ in range(MAX_WAITING):
                    filled.put(job)

    filled = Inbox(Endless(), workers)
    for _ in range(MAX_WAITING):
        filled.put(job)
    seen = [0]
    while done < 10 * MAX_WAITING:
        await asyncio.sleep(0)
        seen.append(done)
    assert {later - earlier for earlier, later in pairwise(seen)} == {1}
    await filled.idle()


async def test_idle_inboxes_hold_no_task_and_begin_again(reader: Reader, workers: Workers) -> None:
    gate, inboxes = Gate(), [Inbox(reader, workers) for _ in range(3)]
    for count in range(1, 7):
        inbox = inboxes[count % 3]
        inbox.put(gate.job)
        await gate.let_through(1)
        await inbox.idle()
        assert gate.done == count
        assert len(asyncio.all_tasks()) == 2, "the test itself, and the worker that all share"
        assert (inbox._jobs, inbox._emptied) == (None, None)
    await inbox.idle()
    assert not hasattr(inbox, "__dict__")


async def test_of_many_workers_some_wait_for_more_work(workers: Workers) -> None:
    gate = Gate()
    for _ in range(MOST_PARKED + 10):
        workers.run(gate.job)
    await gate.let_through(MOST_PARKED + 10)
    await until(lambda: len(asyncio.all_tasks()) == 1 + MOST_PARKED)


async def test_the_reader_pauses_while_too_much_waits(inbox: Inbox, reader: Reader) -> None:
    gate = Gate()
    inbox.put(gate.job)
    await asyncio.sleep(0)
    for _ in range(MAX_WAITING):
        assert reader.told == []
        inbox.put(gate.job)
    assert reader.told == ["pause"]
    inbox.put(gate.job)  # a little that was there already
    assert reader.told == ["pause"]

    # It reads again once much of it is done, not after each job.
    await gate.let_through(MAX_WAITING - READ_AGAIN_BELOW + 2)
    assert reader.told == ["pause"]
    await gate.let_through(1)
    assert reader.told == ["pause", "resume"]
    for _ in range(MAX_WAITING):
        inbox.put(gate.job)
    assert reader.told == ["pause", "resume", "pause"]
    await gate.let_through(MAX_WAITING + READ_AGAIN_BELOW - 1)
    await inbox.idle()
    assert reader.told == ["pause", "resume", "pause", "resume"]


async def test_what_the_reader_brings_as_it_resumes_comes_behind_the_rest(workers: Workers) -> None:
    done: list[int] = []

    async def job(number: int) -> None:
        done.append(number)

    class Eager(Reader):
        def resume(self) -> None:
            if self.told == ["pause"]:
                for number in range(100, 100 + MAX_WAITING):
                    filled.put(partial(job, number))
            super().resume()

    reader = Eager()
    filled = Inbox(reader, workers)
    for number in range(MAX_WAITING):
        filled.put(partial(job, number))
    await filled.idle()
    assert done == [*range(MAX_WAITING), *range(100, 100 + MAX_WAITING)]
    assert sorted(reader.told) == ["pause", "pause", "resume", "resume"]


async def test_a_job_that_raises_is_logged_once_and_takes_none_along(inbox: Inbox) -> None:
    done = asyncio.Event()

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


async def test_a_job_that_waits_for_what_is_cancelled_takes_none_along(inbox: Inbox) -> None:
    done, never = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def wait() -> None:
        await never

    async def finish() -> None:
        done.set()

    with capture_logs() as lines:
        inbox.put(wait)
        inbox.put(finish)
        await asyncio.sleep(0)
        never.cancel()
        await asyncio.wait_for(inbox.idle(), 1)
    assert done.is_set()
    assert [line["log_level"] for line in lines] == ["error"]


async def test_an_inbox_whose_owner_ends_does_no_more(inbox: Inbox, tasks: Tasks) -> None:
    gate = Gate()
    inbox.put(gate.job)
    inbox.put(gate.job)
    await asyncio.sleep(0)
    await asyncio.wait_for(tasks.close(), 1)
    await asyncio.wait_for(inbox.idle(), 1)
    assert gate.done == 0


async def test_who_finishes_is_not_read_again(inbox: Inbox, reader: Reader) -> None:
    gate = Gate()
    for _ in range(MAX_WAITING + 1):
        inbox.put(gate.job)
    finishing = asyncio.create_task(inbox.finish())
    await gate.let_through(MAX_WAITING)
    assert not finishing.done()
    await gate.let_through(1)
    await asyncio.wait_for(finishing, 1)
    assert reader.told == ["pause"]


async def test_a_worker_knows_nothing_of_the_context_that_it_was_begun_in(
    workers: Workers,
) -> None:
    caller: ContextVar[str] = ContextVar("caller", default="nobody")
    seen: list[str] = []

    async def look() -> None:
        seen.append(caller.get())

    caller.set("the first")
    workers.run(look)
    await until(lambda: bool(seen))
    assert seen == ["nobody"]


async def test_work_goes_past_workers_that_have_been_ended(workers: Workers, tasks: Tasks) -> None:
    done = 0

    async def job() -> None:
        nonlocal done
        done += 1

    workers.run(job)
    await until(lambda: done == 1)
    await tasks.close()
    workers.run(job)
    await until(lambda: done == 2)
