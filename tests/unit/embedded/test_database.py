"""Group commit: shared transactions, separate fates."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from whatchat.adapters.embedded import database as module
from whatchat.adapters.embedded.database import Database
from whatchat.domain.errors import Unavailable


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(str(tmp_path / "test.db"))
    await database.open()
    await database.write(
        lambda connection: connection.execute("CREATE TABLE t (n INTEGER UNIQUE)").close()
    )
    yield database
    await database.close()


@pytest.fixture
def busy(database: Database) -> Iterator[threading.Event]:
    """Set it to let the writer go on with what queued up behind it."""
    release = threading.Event()
    yield release
    release.set()


def insert(number: int, connection: sqlite3.Connection) -> int:
    connection.execute("INSERT INTO t VALUES (?)", (number,))
    return number


def numbers(connection: sqlite3.Connection) -> set[int]:
    return {row[0] for row in connection.execute("SELECT n FROM t")}


async def queue_up(
    database: Database, busy: threading.Event, *inserted: int
) -> list[asyncio.Task[int]]:
    """Inserts that wait behind a writer that is busy."""
    started = threading.Event()

    def hold(_: sqlite3.Connection) -> int:
        started.set()
        busy.wait(10)
        return 0

    tasks = [asyncio.create_task(database.write(hold))]
    await asyncio.to_thread(started.wait, 10)
    works = (partial(insert, number) for number in inserted)
    tasks.extend([asyncio.create_task(database.write(work)) for work in works])
    await asyncio.sleep(0)
    return tasks


async def test_what_queues_up_shares_a_transaction_and_not_a_fate(
    database: Database, busy: threading.Event
) -> None:
    statements: list[str] = []
    await database.write(lambda connection: connection.set_trace_callback(statements.append))
    statements.clear()
    tasks = await queue_up(database, busy, 1, 2, 1, 3)
    busy.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [0, 1, 2, 3]
    assert isinstance(outcomes[3], Unavailable)
    assert statements.count("COMMIT") == 2
    assert await database.read(numbers) == {1, 2, 3}


async def test_nothing_is_reported_before_its_commit(
    database: Database, busy: threading.Event, tmp_path: Path
) -> None:
    """Seen from another connection, whatever was answered is there."""
    other = sqlite3.connect(tmp_path / "test.db")
    tasks = await queue_up(database, busy, *range(50))
    busy.set()
    for task in asyncio.as_completed(tasks):
        number = await task
        assert number in numbers(other) | {0}
    other.close()


async def test_a_cancelled_call_that_has_not_begun_never_does(
    database: Database, busy: threading.Event
) -> None:
    tasks = await queue_up(database, busy, 1, 2)
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    busy.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await database.read(numbers) == {2}


async def test_a_call_that_takes_too_long_is_unavailable(
    database: Database, busy: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.05)
    (held,) = await queue_up(database, busy)
    with pytest.raises(Unavailable):
        await held
    busy.set()


async def test_a_queue_that_is_full_takes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    database = Database(str(tmp_path / "small.db"))
    await database.open()
    release = threading.Event()
    tasks = await queue_up(database, release)
    tasks += [asyncio.create_task(database.write(lambda _: 1)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await database.write(lambda _: 1)
    release.set()
    await asyncio.gather(*tasks)
    await database.close()


async def test_too_many_readers_at_once_are_turned_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    release = threading.Event()
    reads = [asyncio.create_task(database.read(lambda _: release.wait(10))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await database.read(numbers)
    release.set()
    assert await asyncio.gather(*reads) == [True] * 3
    assert await database.read(numbers) == set()


async def test_a_commit_that_fails_fails_all_that_is_in_it(
    database: Database, busy: threading.Event
) -> None:
    tasks = await queue_up(database, busy, 1)
    full = asyncio.create_task(database.write(_break_the_transaction))
    await asyncio.sleep(0)
    busy.set()
    outcomes = await asyncio.gather(*tasks[1:], full, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert await database.read(numbers) == set()
    await database.write(partial(insert, 7))
    assert await database.read(numbers) == {7}


def _break_the_transaction(connection: sqlite3.Connection) -> None:
    """What SQLite itself does when the disk is full in the middle of a transaction."""
    connection.execute("ROLLBACK")


async def test_reads_see_every_write_that_was_answered(database: Database) -> None:
    for number in range(20):
        await database.write(partial(insert, number))
        assert number in await database.read(numbers)


async def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "missing" / "test.db"))
    with pytest.raises(Unavailable, match="missing"):
        await database.open()
    with pytest.raises(Unavailable):
        await database.write(lambda _: None)
    with pytest.raises(Unavailable):
        await database.read(lambda _: None)
    await database.close()


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    path = str(tmp_path / "closing.db")
    database = Database(path)
    await database.open()
    await database.write(lambda connection: connection.execute("CREATE TABLE t (n)").close())
    writes = [asyncio.create_task(database.write(partial(insert, number))) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*writes) == list(range(20))
    other = sqlite3.connect(path)
    assert len(numbers(other)) == 20
    other.close()


async def test_what_is_erased_leaves_no_trace_in_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCRUB_QUIET_SECONDS", 0.01)
    database = Database(str(tmp_path / "erased.db"))
    await database.open()
    secret = "EXPUNGE-ME" * 1000

    def traces() -> list[str]:
        files = sorted(tmp_path.glob("erased.db*"))
        return [file.name for file in files if b"EXPUNGE-ME" in file.read_bytes()]

    await database.write(lambda connection: connection.execute("CREATE TABLE t (n)").close())
    await database.write(
        lambda connection: connection.execute("INSERT INTO t VALUES (?)", (secret,)).close()
    )
    assert traces() == ["erased.db-wal"]
    await database.write(
        lambda connection: connection.execute("UPDATE t SET n = ''").close(), erases=True
    )
    async with asyncio.timeout(5):
        while traces():  # noqa: ASYNC110 - files tell nobody when they change
            await asyncio.sleep(0.01)
    await database.close()


async def test_a_busy_writer_scrubs_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCRUB_SECONDS", 0.1)
    monkeypatch.setattr(module, "SCRUB_QUIET_SECONDS", 3600.0)
    path = tmp_path / "busy.db"
    database = Database(str(path))
    await database.open()
    await database.write(
        lambda connection: connection.execute("CREATE TABLE t (n)").close(), erases=True
    )
    wal = path.with_name("busy.db-wal")
    sizes = [0]
    async with asyncio.timeout(5):
        while sizes == sorted(sizes):
            await database.write(partial(insert, len(sizes)))
            sizes.append(wal.stat().st_size)
    await database.close()


async def test_what_was_to_stand_still_is_not_read_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "store.db")
    writer = Database(path)
    await writer.open()
    await writer.write(lambda connection: connection.execute("CREATE TABLE t (n)").close())
    await writer.close()
    reader = Database(path, reads_only=True)
    monkeypatch.setattr(reader._file, "_stands_still", True)
    await reader.open()

    async def count() -> int:
        sql = "SELECT count(*) FROM t"
        return await reader.read(lambda connection: connection.execute(sql).fetchone()[0])

    assert await count() == 0
    await writer.open()
    await writer.write(lambda connection: connection.execute("INSERT INTO t VALUES (1)").close())
    with pytest.raises(Unavailable):
        await count()
    await writer.close()
    assert await count() >= 0, "it stands still again"
    await reader.close()
