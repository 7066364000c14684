"""Waiting in tests."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

STEP_SECONDS = 0.005


async def until(reached: Callable[[], bool | Awaitable[bool]], *, seconds: float = 5.0) -> None:
    """Return once ``reached`` holds; fail if it does not in time."""
    for _ in range(int(seconds / STEP_SECONDS)):
        answer = reached()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        await asyncio.sleep(STEP_SECONDS)
    raise AssertionError(f"not reached within {seconds} s")
