"""Tasks that belong to somebody."""

import asyncio
import contextlib
from typing import Any


async def ended(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end; raises what it failed with, if it did."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
