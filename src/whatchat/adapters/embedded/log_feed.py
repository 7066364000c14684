"""The log of all rooms in SQLite, in the order of commits."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Final

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.work_queue import Job
from whatchat.domain.times import from_millis

PAGE: Final = 500
POLLS: Final = 10
POLL_SECONDS: Final = 0.1

_SELECT: Final = (
    "SELECT number, room_id, rev, CAST(log.change AS TEXT) ->> 'kind' AS kind, pod, at"
    " FROM log_order JOIN log USING (room_id, rev) WHERE number > ? ORDER BY number LIMIT ?"
)


class SqliteLogFeed:
    """Implements ``LogFeed`` by asking again and again; a position is a number in ``log_order``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, after: bytes | None) -> Sequence[Job]:
        for _ in range(POLLS):
            if jobs := await self._database.read(lambda one: _read(one, int(after or b"0"))):
                return jobs
            await asyncio.sleep(POLL_SECONDS)
        return []

    def before(self, position: bytes) -> bytes:
        return b"%d" % (int(position) - 1)

    async def bookmark(self) -> bytes | None:
        row = await self._database.read(
            lambda connection: connection.execute("SELECT position FROM bookmarks").fetchone()
        )
        return bytes(row["position"]) if row else None

    async def move_bookmark(self, position: bytes, *, expected: bytes | None) -> bool:
        sql = "UPDATE bookmarks SET position = ?1 WHERE position = ?2"
        if expected is None:
            sql = "INSERT OR IGNORE INTO bookmarks VALUES ('feed', ?1)"
        parameters = (position,) if expected is None else (position, expected)
        return await self._database.write(
            lambda connection: connection.execute(sql, parameters).rowcount == 1
        )

    async def close(self) -> None:
        """Nothing to do: nothing is kept open."""


def _read(connection: sqlite3.Connection, after: int) -> list[Job]:
    return [_job(row) for row in connection.execute(_SELECT, (after, PAGE))]


def _job(row: sqlite3.Row) -> Job:
    return Job(
        room_id=RoomId(row["room_id"]),
        rev=Rev(row["rev"]),
        kind=row["kind"],
        pod=row["pod"],
        stored_at=from_millis(row["at"]),
        position=b"%d" % row["number"],
    )
