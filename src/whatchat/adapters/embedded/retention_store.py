"""What must not stay in SQLite for long."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ports.retention_store import Expired
from whatchat.domain.times import from_millis, to_millis

_EXPIRED: Final = (
    "SELECT room_id, rev, actor_id, expiring_at FROM log"
    " WHERE expiring_at <= ? AND (expiring_at, room_id, rev) > (?, ?, ?)"
    " ORDER BY expiring_at, room_id, rev LIMIT ?"
)


class SqliteRetentionStore:
    """Implements ``RetentionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expired(
        self, now: datetime, *, after: Expired | None, limit: int
    ) -> Sequence[Expired]:
        behind = (to_millis(after.expires_at), after.room_id, after.seq) if after else (-1, "", 0)
        parameters = (to_millis(now), *behind, limit)
        return await self._database.read(
            lambda connection: [
                _expired(row) for row in connection.execute(_EXPIRED, parameters).fetchall()
            ]
        )


def _expired(row: sqlite3.Row) -> Expired:
    return Expired(
        room_id=row["room_id"],
        seq=row["rev"],
        sender_id=row["actor_id"],
        expires_at=from_millis(row["expiring_at"]),
    )
