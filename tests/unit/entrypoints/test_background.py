import asyncio

from whatchat.entrypoints.background import BackgroundTasks


async def test_tasks_run_until_stopped() -> None:
    failed, started = asyncio.Event(), asyncio.Event()
    tasks = BackgroundTasks(failed.set)

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    tasks.start("work", work())
    await started.wait()
    await tasks.stop()
    assert not failed.is_set()
    assert "work" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_task_that_fails_is_heard_of() -> None:
    failed = asyncio.Event()
    tasks = BackgroundTasks(failed.set)

    async def work() -> None:
        raise ZeroDivisionError

    tasks.start("work", work())
    await asyncio.wait_for(failed.wait(), 1)
    await tasks.stop()
