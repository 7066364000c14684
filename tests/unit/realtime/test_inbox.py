"""What one client asks for is done in order, and no more of it is kept than agreed."""

import asyncio
from functools import partial

import pytest
from structlog.testing import capture_logs

from tests.waiting import until
from whatchat.realtime.inbox import MAX_WAITING, READ_AGAIN_BELOW, Inbox
from whatchat.realtime.tasks import Tasks


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
def inbox(reader: Reader, tasks: Tasks) -> Inbox:
    return Inbox(reader, tasks)


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


async def test_an_idle_inbox_holds_no_task_and_begins_again(inbox: Inbox) -> None:
    gate = Gate()
    for count in (1, 2):
        inbox.put(gate.job)
        await gate.let_through(1)
        await inbox.idle()
        assert gate.done == count
        assert len(asyncio.all_tasks()) == 1, "the test itself"
    await inbox.idle()
    assert not hasattr(inbox, "__dict__")


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


async def test_what_the_reader_brings_as_it_resumes_comes_behind_the_rest(tasks: Tasks) -> None:
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
    filled = Inbox(reader, tasks)
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
