import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from whatchat.adapters.embedded import database as module
from whatchat.adapters.embedded.database import Database
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def database(tmp_path: Path, metrics: Metrics) -> AsyncIterator[Database]:
    database = Database(str(tmp_path / "test.db"), metrics=metrics)
    await database.open()
    yield database
    await database.close()


def told(metrics: Metrics, series: str) -> float:
    """The value of a series as it is exposed."""
    lines = metrics.render().decode().splitlines()
    (value,) = (line.rpartition(" ")[2] for line in lines if line.startswith(f"{series} "))
    return float(value)


def count(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    return found


async def test_reads_and_commits_are_timed_apart(database: Database, metrics: Metrics) -> None:
    for _ in range(3):
        await database.read(count)
    await database.write(count)
    assert told(metrics, 'whatchat_store_seconds_count{operation="read"}') == 3
    assert told(metrics, 'whatchat_store_seconds_count{operation="commit"}') == 1
    assert told(metrics, "whatchat_store_wait_seconds_count") == 1


async def test_the_wait_for_the_writer_is_told(database: Database, metrics: Metrics) -> None:
    go_on, started = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold_up(_connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(5)

    first = asyncio.ensure_future(database.write(hold_up))
    await started.wait()
    assert told(metrics, 'whatchat_store_connections{state="in_use"}') == 1
    second = asyncio.ensure_future(database.write(count))
    await asyncio.sleep(0.06)
    go_on.set()
    await asyncio.gather(first, second)
    assert told(metrics, 'whatchat_store_wait_seconds_bucket{le="0.05"}') == 1
    assert told(metrics, "whatchat_store_wait_seconds_count") == 2
    assert told(metrics, 'whatchat_store_connections{state="in_use"}') == 0
    assert told(metrics, 'whatchat_store_connections{state="idle"}') == 1


async def test_what_fails_is_counted(
    database: Database, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT nothing FROM nowhere")

    with pytest.raises(Unavailable):
        await database.read(wrong)
    with pytest.raises(Unavailable):
        await database.write(wrong)
    assert told(metrics, 'whatchat_store_failures_total{operation="read"}') == 1
    assert told(metrics, 'whatchat_store_failures_total{operation="commit"}') == 1
    monkeypatch.setattr(module, "MAX_QUEUED", 0)
    with pytest.raises(Unavailable, match="overloaded"):
        await database.read(count)
    assert told(metrics, 'whatchat_store_failures_total{operation="read"}') == 2


async def test_what_takes_too_long_has_failed(
    database: Database, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.05)
    with pytest.raises(Unavailable):
        await database.write(lambda _connection: threading.Event().wait(0.2))
    assert told(metrics, 'whatchat_store_failures_total{operation="commit"}') == 1
