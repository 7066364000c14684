"""When people were last there, in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ids import UserId
from whatchat.domain.times import from_millis, to_millis

_NOTE = (
    "INSERT INTO seen VALUES (?, ?)"
    " ON CONFLICT (user_id) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)"
)


class SqliteSeenStore:
    """Implements ``SeenStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, seen: Mapping[UserId, datetime]) -> None:
        rows = [(user_id, to_millis(at)) for user_id, at in seen.items()]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_NOTE, rows)

        await self._database.write(work)

    async def of(self, user_ids: Sequence[UserId]) -> Mapping[UserId, datetime]:
        sql = "SELECT * FROM seen WHERE user_id IN (SELECT value FROM json_each(?))"
        wanted = msgspec.json.encode(user_ids).decode()
        rows = await self._database.read(
            lambda connection: connection.execute(sql, (wanted,)).fetchall()
        )
        return {user_id: from_millis(seen_at) for user_id, seen_at in rows}
