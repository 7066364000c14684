"""The audit log in SQLite."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed

_ADD: Final = (
    "INSERT OR IGNORE INTO audit_pending (record_id, body) SELECT ?1, ?2"
    " WHERE NOT EXISTS (SELECT 1 FROM audit_chain WHERE record_id = ?1)"
)
_RECORD: Final = "SELECT seq, record_id, previous, body, digest FROM audit_chain"
# Whoever makes the tables anew may leave out what is strict about them.
_IS_SEQ: Final = "typeof(seq) = 'integer'"
_LAST: Final = f"{_RECORD} WHERE {_IS_SEQ} ORDER BY seq DESC LIMIT 1"
_SIGN: Final = (
    "INSERT INTO audit_heads SELECT ?1, ?2"
    " WHERE NOT EXISTS (SELECT 1 FROM audit_heads WHERE seq = ?1)"
)
_KNOWN: Final = (
    "SELECT record_id FROM audit_chain WHERE record_id IN (SELECT value FROM json_each(?))"
)


class SqliteAuditStore:
    """Implements ``AuditStore``; a batch is sealed as a whole or not at all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, records: Sequence[Pending]) -> None:
        rows = [(one.record_id, one.body) for one in records]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_ADD, rows)

        await self._database.write(work)

    async def pending(self, *, limit: int) -> list[Pending]:
        sql = "SELECT record_id, body FROM audit_pending ORDER BY position LIMIT ?"
        rows = await self._database.read(
            lambda connection: connection.execute(sql, (limit,)).fetchall()
        )
        return [
            Pending(record_id=_text(row["record_id"]), body=_bytes(row["body"])) for row in rows
        ]

    async def last(self) -> Sealed | None:
        row = await self._database.read(lambda connection: connection.execute(_LAST).fetchone())
        return _sealed(row) if row else None

    async def seal(self, records: Sequence[Sealed]) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            goes_on = bool(records) and _goes_on(connection, records[0])
            if goes_on and not _is_any_known(connection, records):
                connection.executemany(
                    "INSERT INTO audit_chain VALUES (?, ?, ?, ?, ?)", map(_row, records)
                )
                _take_off(connection, records)
                return True
            return not records

        return await self._database.write(work)

    async def read(self, *, after: int, limit: int) -> list[Sealed]:
        sql = f"{_RECORD} WHERE seq > ? AND {_IS_SEQ} ORDER BY seq LIMIT ?"
        rows = await self._database.read(
            lambda connection: connection.execute(sql, (after, limit)).fetchall()
        )
        return list(map(_sealed, rows))

    async def sign(self, head: KeptHead) -> None:
        await self._database.write(
            lambda connection: connection.execute(_SIGN, (head.seq, head.head)).close()
        )

    async def heads(self, *, after: int, limit: int) -> list[KeptHead]:
        sql = f"SELECT seq, head FROM audit_heads WHERE seq > ? AND {_IS_SEQ} ORDER BY seq LIMIT ?"
        rows = await self._database.read(
            lambda connection: connection.execute(sql, (after, limit)).fetchall()
        )
        return [KeptHead(seq=row["seq"], head=_bytes(row["head"])) for row in rows]


def _goes_on(connection: sqlite3.Connection, first: Sealed) -> bool:
    row = connection.execute(_LAST).fetchone()
    if row is None:
        return first.seq == 1
    return bool(first.seq == row["seq"] + 1 and first.previous == row["digest"])


def _is_any_known(connection: sqlite3.Connection, records: Sequence[Sealed]) -> bool:
    """Whether one is in the chain by now; such a one waits no longer."""
    ids = msgspec.json.encode([one.record_id for one in records]).decode()
    known = connection.execute(_KNOWN, (ids,)).fetchall()
    connection.executemany("DELETE FROM audit_pending WHERE record_id = ?", map(tuple, known))
    return bool(known)


def _take_off(connection: sqlite3.Connection, records: Sequence[Sealed]) -> None:
    ids = [(one.record_id,) for one in records]
    connection.executemany("DELETE FROM audit_pending WHERE record_id = ?", ids)


def _row(one: Sealed) -> tuple[int, str, bytes, bytes, bytes]:
    return one.seq, one.record_id, one.previous, one.body, one.digest


def _sealed(row: sqlite3.Row) -> Sealed:
    return Sealed(
        seq=row["seq"],
        record_id=_text(row["record_id"]),
        previous=_bytes(row["previous"]),
        body=_bytes(row["body"]),
        digest=_bytes(row["digest"]),
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
