"""One SQLite file, written by one thread with group commit and read by a few others."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, TypeVar

import structlog

from whatchat.adapters.embedded.database_file import DatabaseFile
from whatchat.adapters.embedded.failures import failure
from whatchat.adapters.embedded.metering import Metering, Operation
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_Outcome = tuple[Any, Exception | None]

log = structlog.get_logger()

DEADLINE_SECONDS: Final = 5.0
MAX_QUEUED: Final = 10_000
MAX_GROUP: Final = 512
READERS: Final = 2
SCRUB_SECONDS: Final = 10.0
SCRUB_QUIET_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    future: Future[Any]
    erases: bool
    asked: float


class Database:
    """Runs work on a SQLite database off the event loop.

    Writes queued at the same time share one transaction and one ``fsync`` (WAL with
    ``synchronous=FULL``): each runs in a savepoint of its own, so that one that fails
    undoes only itself, and none is reported done before the commit is on disk. A call not
    answered within ``DEADLINE_SECONDS`` raises ``Unavailable``; a write may then still
    have happened.

    With ``reads_only`` the file must be there, nothing is written, and it may be in use. Where
    its folder cannot be written either, and no log lies beside it, it is read as it stands;
    ``Unavailable`` from when somebody begins to write to it.
    """

    def __init__(
        self, path: str, *, metrics: Metrics | None = None, reads_only: bool = False
    ) -> None:
        self.path = path
        self._metering = Metering(metrics or Metrics(), self._connections)
        self._reads_only = reads_only
        self._file = DatabaseFile(path)
        self._jobs: queue.Queue[_Job | None] = queue.Queue(MAX_QUEUED)
        self._thread: threading.Thread | None = None
        self._scrub_by: float | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reading = 0
        self._is_writing = False
        self._reader = threading.local()
        self._reader_connections: list[sqlite3.Connection] = []

    async def open(self) -> None:
        """Open the file, making it if need be; ``Unavailable`` names the path if it cannot."""
        try:
            connection = await asyncio.to_thread(self._connect)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"cannot open the database {self.path}: {error}") from error
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        if self._reads_only:
            return connection.close()
        self._thread = threading.Thread(
            target=self._write_groups, args=(connection,), name="sqlite-writer", daemon=True
        )
        return self._thread.start()

    async def close(self) -> None:
        """Finish the queued writes, then let go of the file."""
        if self._thread:
            await asyncio.to_thread(self._jobs.put, None)
            await asyncio.to_thread(self._thread.join)
        if self._readers:
            await asyncio.to_thread(self._readers.shutdown)
            for connection in self._reader_connections:
                connection.close()
        self._thread = self._readers = None
        self._reader_connections = []

    async def write(self, work: Work[T], *, erases: bool = False) -> T:
        """Run ``work`` in the writer's transaction; on return its effects are on disk.

        What it ``erases`` is gone from every file within ``SCRUB_SECONDS``, or after the
        first quiet second before that.
        """
        if self._thread is None:
            raise Unavailable("the database is closed")
        job = _Job(work, Future(), erases, monotonic())
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._metering.failed("commit")
            raise Unavailable("the database is overloaded") from None
        return await self._answer(job.future, "commit")

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on one consistent view that has every write finished before."""
        if self._file.is_memory:
            return await self.write(work)
        if self._readers is None:
            raise Unavailable("the database is closed")
        if self._reading >= MAX_QUEUED:
            self._metering.failed("read")
            raise Unavailable("the database is overloaded")
        self._reading += 1
        try:
            return await self._answer(self._readers.submit(self._read, work), "read")
        finally:
            self._reading -= 1

    def _connections(self) -> tuple[int, int]:
        """How many are in use, and how many there are."""
        in_use = min(self._reading, len(self._reader_connections)) + self._is_writing
        return in_use, len(self._reader_connections) + (self._thread is not None)

    async def _answer(self, future: "Future[T]", operation: Operation) -> T:
        try:
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets a result.
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            self._metering.failed(operation)
            log.warning("database call timed out", seconds=DEADLINE_SECONDS)
            raise Unavailable from None
        except sqlite3.Error as error:
            self._metering.failed(operation)
            log.warning(failure(error), error=str(error))
            raise Unavailable from error

    def _connect(self) -> sqlite3.Connection:
        return self._file.connect_to_read() if self._reads_only else self._file.connect()

    def _read(self, work: Work[T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = self._connect()
            self._reader_connections.append(connection)
        with self._metering.timed("read"):
            connection.execute("BEGIN")
            try:
                result = work(connection)
            finally:
                connection.rollback()
        self._file.require_as_it_was()
        return result

    def _write_groups(self, connection: sqlite3.Connection) -> None:
        _scrub(connection)  # what a process that was killed had no time for
        stopping = False
        while not stopping:
            group = self._next_group()
            stopping = None in group
            jobs = [job for job in group if job and job.future.set_running_or_notify_cancel()]
            if jobs:
                self._commit(connection, jobs)
                self._scrub_by = self._scrub_by or _scrub_deadline(jobs)
            if self._scrub_by and (not jobs or monotonic() >= self._scrub_by):
                _scrub(connection)
                self._scrub_by = None
        connection.close()

    def _commit(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        begun = monotonic()
        for job in jobs:
            self._metering.waited(begun - job.asked)
        self._is_writing = True
        with self._metering.timed("commit"):
            outcomes = _outcomes(connection, jobs)
        self._is_writing = False
        for job, (result, problem) in zip(jobs, outcomes, strict=True):
            if problem is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(problem)

    def _next_group(self) -> list[_Job | None]:
        """What has queued up; nothing if it has been quiet while something is to be scrubbed."""
        try:
            group = [self._jobs.get(timeout=SCRUB_QUIET_SECONDS if self._scrub_by else None)]
        except queue.Empty:
            return []
        while len(group) < MAX_GROUP and not self._jobs.empty():
            group.append(self._jobs.get())
        return group


def _outcomes(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Outcome]:
    """Run the jobs in one transaction; on return their effects are on disk."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes: list[_Outcome] = [_attempt(connection, job.work) for job in jobs]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        outcomes = [(None, error)] * len(jobs)
        _roll_back(connection)
    return outcomes


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo a transaction that failed; one that cannot be undone now is met by the next."""
    try:
        if connection.in_transaction:
            connection.rollback()
    except sqlite3.Error:
        log.exception("a transaction could not be rolled back")


def _scrub_deadline(jobs: list[_Job]) -> float | None:
    return monotonic() + SCRUB_SECONDS if any(job.erases for job in jobs) else None


def _scrub(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the database and cut it off: it held what was erased."""
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        log.warning("erased content is still in the log file", error=str(error))


def _attempt(connection: sqlite3.Connection, work: Work[T]) -> tuple[T | None, Exception | None]:
    connection.execute("SAVEPOINT job")
    try:
        result = work(connection)
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to the caller
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None, error
    connection.execute("RELEASE job")
    return result, None
