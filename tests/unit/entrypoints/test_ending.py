import asyncio
import os
import signal

import pytest

from whatchat.entrypoints.ending import Ending, until


@pytest.mark.parametrize(("kind", "at_once"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
async def test_the_signal_says_how_to_end(kind: signal.Signals, at_once: bool) -> None:
    ending = Ending(asyncio.Event())
    ending.listen()
    asked = asyncio.create_task(ending.asked())
    await asyncio.sleep(0.01)
    assert not asked.done()
    os.kill(os.getpid(), kind)
    assert await asyncio.wait_for(asked, 1) is at_once


async def test_whoever_asks_ends_it_as_sigterm_does() -> None:
    by_hand = asyncio.Event()
    ending = Ending(asyncio.Event(), by_hand)
    asked = asyncio.create_task(ending.asked())
    await asyncio.sleep(0.01)
    assert not asked.done()
    by_hand.set()
    assert await asyncio.wait_for(asked, 1) is False


async def test_a_signal_that_came_early_counts() -> None:
    ending = Ending(asyncio.Event())
    ending.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.01)
    assert await asyncio.wait_for(ending.asked(), 1) is False


async def test_what_must_end_ends_at_once() -> None:
    must_end = asyncio.Event()
    asked = asyncio.create_task(Ending(must_end).asked())
    must_end.set()
    assert await asyncio.wait_for(asked, 1) is True


async def test_work_is_done_until_the_event() -> None:
    event, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    working = asyncio.create_task(until(event, work()))
    await asyncio.sleep(0)
    event.set()
    assert await asyncio.wait_for(working, 1) is False
    assert cancelled.is_set()


async def test_work_that_comes_to_its_end_is_not_held_up() -> None:
    assert await asyncio.wait_for(until(asyncio.Event(), asyncio.sleep(0)), 1) is True


async def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await until(asyncio.Event(), work())
