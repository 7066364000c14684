"""Reports in SQLite."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ids import ReportId, UserId
from whatchat.domain.ports.report_store import (
    Filing,
    Report,
    ReportPosition,
    ReportState,
    Resolution,
)
from whatchat.domain.times import from_millis, to_millis

_IN_STATE: Final[Mapping[ReportState | None, str]] = {
    None: "TRUE",
    "open": "resolved_at IS NULL",
    "resolved": "resolved_at IS NOT NULL",
}

_SAME: Final = (
    "SELECT * FROM reports"
    " WHERE reporter_id = ? AND user_id = ? AND message_id = ? AND resolved_at IS NULL"
)
_INSERT: Final = (
    "INSERT INTO reports (report_id, reporter_id, user_id, message_id, room_id, reason, at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class SqliteReportStore:
    """Implements ``ReportStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def file(self, report: Report, *, most: int) -> Filing:
        same = _what(report)
        rest = (report.room_id, report.reason, to_millis(report.at))

        def work(connection: sqlite3.Connection) -> Filing:
            if connection.execute(_SAME, same).fetchone():
                return "repeated"
            if _count_open(connection, "reporter_id", report.reporter_id, most) >= most:
                return "too_many"
            connection.execute(_INSERT, (report.report_id, *same, *rest))
            return "filed"

        return await self._database.write(work)

    async def same(self, report: Report) -> Report | None:
        row = await self._database.read(
            lambda connection: connection.execute(_SAME, _what(report)).fetchone()
        )
        return _report(row) if row else None

    async def resolve(self, report_id: ReportId, resolution: Resolution, at: datetime) -> bool:
        sql = (
            "UPDATE reports SET resolution = ?, resolved_at = ?"
            " WHERE report_id = ? AND resolved_at IS NULL"
        )
        row = (resolution, to_millis(at), report_id)
        return await self._database.write(
            lambda connection: connection.execute(sql, row).rowcount == 1
        )

    async def get(self, report_id: ReportId) -> Report | None:
        sql = "SELECT * FROM reports WHERE report_id = ?"
        row = await self._database.read(
            lambda connection: connection.execute(sql, (report_id,)).fetchone()
        )
        return _report(row) if row else None

    async def page(
        self, state: ReportState | None, *, before: ReportPosition | None, limit: int
    ) -> list[Report]:
        sql = f"SELECT * FROM reports WHERE {_IN_STATE[state]}"
        bounds: tuple[object, ...] = ()
        if before:
            sql += " AND (at, report_id) < (?, ?)"
            bounds = (to_millis(before.at), before.report_id)
        sql += " ORDER BY at DESC, report_id DESC LIMIT ?"
        return await self._database.read(
            lambda connection: [_report(row) for row in connection.execute(sql, (*bounds, limit))]
        )

    async def open_about(self, user_id: UserId, *, limit: int) -> int:
        return await self._database.read(
            lambda connection: _count_open(connection, "user_id", user_id, limit)
        )


def _what(report: Report) -> tuple[str, str, str]:
    """What reports are the same by."""
    return report.reporter_id, report.user_id, report.message_id or ""


def _count_open(
    connection: sqlite3.Connection,
    column: Literal["reporter_id", "user_id"],
    user_id: UserId,
    limit: int,
) -> int:
    sql = (
        "SELECT count(*) FROM"
        f" (SELECT 1 FROM reports WHERE {column} = ? AND resolved_at IS NULL LIMIT ?)"
    )
    return int(connection.execute(sql, (user_id, limit)).fetchone()[0])


def _report(row: sqlite3.Row) -> Report:
    resolved_at = row["resolved_at"]
    return Report(
        report_id=row["report_id"],
        reporter_id=row["reporter_id"],
        user_id=row["user_id"],
        room_id=row["room_id"],
        message_id=row["message_id"] or None,
        reason=row["reason"],
        at=from_millis(row["at"]),
        resolution=row["resolution"],
        resolved_at=None if resolved_at is None else from_millis(resolved_at),
    )
