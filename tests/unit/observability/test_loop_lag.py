import asyncio
import contextlib
import time

from whatchat.observability.loop_lag import INTERVAL, watch_loop_lag
from whatchat.observability.metrics import Metrics


async def test_a_blocked_loop_is_seen() -> None:
    metrics = Metrics()
    watching = asyncio.create_task(watch_loop_lag(metrics.loop_lag_seconds))
    await asyncio.sleep(0)
    time.sleep(INTERVAL + 0.2)  # noqa: ASYNC251 - blocking is what is tested
    await asyncio.sleep(0.05)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    lag = metrics.registry.get_sample_value("whatchat_event_loop_lag_seconds_sum")
    assert lag is not None
    assert 0.15 < lag < 2
