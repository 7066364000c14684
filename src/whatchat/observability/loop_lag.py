"""How late the event loop is."""

import asyncio
from time import perf_counter
from typing import NoReturn

from prometheus_client import Histogram

INTERVAL = 0.5


async def watch_loop_lag(lag_seconds: Histogram) -> NoReturn:
    """Observe, twice a second until cancelled, by how much a timer came too late."""
    while True:
        due = perf_counter() + INTERVAL
        await asyncio.sleep(INTERVAL)
        lag_seconds.observe(max(0.0, perf_counter() - due))
