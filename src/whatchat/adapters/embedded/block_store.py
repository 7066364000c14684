"""Blocks in SQLite."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ids import UserId
from whatchat.domain.ports.block_store import Block, BlockChange, ChangedBlocks
from whatchat.domain.ports.blocks import Blocked
from whatchat.domain.times import from_millis, to_millis, utc_now

LIFTED_KEPT: Final = timedelta(hours=2)


class SqliteBlockStore:
    """Implements ``BlockStore``; the store's time is this machine's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, blocker_id: UserId, blocked_id: UserId) -> BlockChange:
        def work(connection: sqlite3.Connection) -> BlockChange:
            connection.execute(
                "INSERT INTO blocks VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO UPDATE"
                " SET since = excluded.since, changed_at = excluded.changed_at"
                " WHERE since IS NULL",
                (blocker_id, blocked_id, to_millis(utc_now())),
            )
            return _change(_row(connection, blocker_id, blocked_id))

        return await self._database.write(work)

    async def unblock(self, blocker_id: UserId, blocked_id: UserId) -> BlockChange | None:
        def work(connection: sqlite3.Connection) -> BlockChange | None:
            now = utc_now()
            cursor = connection.execute(
                "UPDATE blocks SET since = NULL, changed_at = ?"
                " WHERE blocker_id = ? AND blocked_id = ? AND since IS NOT NULL",
                (to_millis(now), blocker_id, blocked_id),
            )
            connection.execute(
                "DELETE FROM blocks WHERE since IS NULL AND changed_at < ?",
                (to_millis(now - LIFTED_KEPT),),
            )
            return _change(_row(connection, blocker_id, blocked_id)) if cursor.rowcount else None

        return await self._database.write(work)

    async def made_by(self, user_id: UserId, *, before: Block | None, limit: int) -> list[Block]:
        sql = "SELECT blocked_id, since FROM blocks WHERE blocker_id = ? AND since IS NOT NULL"
        bounds: tuple[object, ...] = ()
        if before:
            sql += " AND (since, blocked_id) < (?, ?)"
            bounds = (to_millis(before.since), before.blocked_id)
        sql += " ORDER BY since DESC, blocked_id DESC LIMIT ?"
        return await self._database.read(
            lambda connection: [
                Block(blocked_id=row["blocked_id"], since=from_millis(row["since"]))
                for row in connection.execute(sql, (user_id, *bounds, limit))
            ]
        )

    async def around(self, user_ids: Collection[UserId]) -> Mapping[UserId, Blocked]:
        wanted = json.dumps(list(user_ids))
        return await self._database.read(lambda connection: _around(connection, user_ids, wanted))

    async def changed_since(self, moment: datetime | None) -> ChangedBlocks:
        def work(connection: sqlite3.Connection) -> ChangedBlocks:
            now = utc_now()
            if moment is None:
                return ChangedBlocks(changes=(), read_at=now)
            rows = connection.execute(
                "SELECT * FROM blocks WHERE changed_at >= ? ORDER BY changed_at",
                (to_millis(moment),),
            )
            return ChangedBlocks(changes=tuple(map(_change, rows)), read_at=now)

        return await self._database.read(work)


def _around(
    connection: sqlite3.Connection, user_ids: Collection[UserId], wanted: str
) -> dict[UserId, Blocked]:
    made: dict[UserId, set[UserId]] = {user_id: set() for user_id in user_ids}
    met: dict[UserId, set[UserId]] = {user_id: set() for user_id in user_ids}
    for blocker_id, blocked_id in connection.execute(_IN_FORCE.format("blocker_id"), (wanted,)):
        made[blocker_id].add(blocked_id)
    for blocker_id, blocked_id in connection.execute(_IN_FORCE.format("blocked_id"), (wanted,)):
        met[blocked_id].add(blocker_id)
    return {
        user_id: Blocked(blocks=frozenset(made[user_id]), blocked_by=frozenset(met[user_id]))
        for user_id in user_ids
    }


_IN_FORCE: Final = (
    "SELECT blocker_id, blocked_id FROM blocks"
    " WHERE {} IN (SELECT value FROM json_each(?)) AND since IS NOT NULL"
)


def _row(connection: sqlite3.Connection, blocker_id: UserId, blocked_id: UserId) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute(
        "SELECT * FROM blocks WHERE blocker_id = ? AND blocked_id = ?", (blocker_id, blocked_id)
    ).fetchone()
    return row


def _change(row: sqlite3.Row) -> BlockChange:
    return BlockChange(
        blocker_id=row["blocker_id"],
        blocked_id=row["blocked_id"],
        is_blocked=row["since"] is not None,
        changed_at=from_millis(row["changed_at"]),
    )
