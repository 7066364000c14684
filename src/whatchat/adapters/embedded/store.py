"""The embedded store: one SQLite file plays every store port."""

import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Final

from whatchat.adapters.embedded.account_store import SqliteAccountStore
from whatchat.adapters.embedded.audit_store import SqliteAuditStore
from whatchat.adapters.embedded.block_store import SqliteBlockStore
from whatchat.adapters.embedded.database import Database
from whatchat.adapters.embedded.inventory import SqliteInventory
from whatchat.adapters.embedded.log_feed import SqliteLogFeed
from whatchat.adapters.embedded.message_store import SqliteMessageStore
from whatchat.adapters.embedded.receipt_store import SqliteReceiptStore
from whatchat.adapters.embedded.report_store import SqliteReportStore
from whatchat.adapters.embedded.retention_store import SqliteRetentionStore
from whatchat.adapters.embedded.room_store import SqliteRoomStore
from whatchat.adapters.embedded.search_store import SqliteSearchStore
from whatchat.adapters.embedded.seen_store import SqliteSeenStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id
from whatchat.domain.ports.account_store import AccountStore
from whatchat.domain.ports.audit_store import AuditStore
from whatchat.domain.ports.block_store import BlockStore
from whatchat.domain.ports.inventory import Inventory
from whatchat.domain.ports.log_feed import LogFeed
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.receipt_store import ReceiptStore
from whatchat.domain.ports.report_store import ReportStore
from whatchat.domain.ports.retention_store import RetentionStore
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.search_store import SearchStore
from whatchat.domain.ports.seen_store import SeenStore
from whatchat.domain.ports.store import Lease, StoreIdentity
from whatchat.domain.times import Clock, from_millis, utc_now
from whatchat.observability.metrics import Metrics

ADDED_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "accounts": (
        "changed_at INTEGER",
        "banned_at INTEGER",
        "ban_reason TEXT",
        "signed_out_at INTEGER",
        "excluded_at INTEGER",
    ),
    "log": (
        "hidden INTEGER NOT NULL DEFAULT 0",
        "uncounted INTEGER NOT NULL DEFAULT 0",
        "open_rev INTEGER",
        "expiring_at INTEGER",
        "undelivered INTEGER",
    ),
    "members": (
        "shown_delivered_seq INTEGER NOT NULL DEFAULT 0",
        "shown_read_seq INTEGER NOT NULL DEFAULT 0",
        "concealed INTEGER NOT NULL DEFAULT 0",
        "devices BLOB NOT NULL DEFAULT x'7b7d'",
        "moved_at INTEGER NOT NULL DEFAULT 0",
        "shown_at INTEGER NOT NULL DEFAULT 0",
        "known_activity INTEGER",
        "known_message_seq INTEGER",
    ),
}
"""What tables have got since they were first made, for files that have them without."""

ADDED_INDEXES: Final[Sequence[str]] = (
    """CREATE INDEX IF NOT EXISTS accounts_changed ON accounts (changed_at)
        WHERE changed_at IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS accounts_excluded ON accounts (excluded_at)
        WHERE excluded_at IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS accounts_banned ON accounts (username)
        WHERE banned_at IS NOT NULL""",
    "CREATE INDEX IF NOT EXISTS members_shown ON members (room_id, shown_at)",
    # Messages that their sender alone sees are in none that others look into: whoever is blocked
    # could fill these without end. Counting unread ones passes over one's own without reading them.
    """CREATE INDEX IF NOT EXISTS log_shown ON log (room_id, rev, actor_id, uncounted)
        WHERE message_rev IS NOT NULL AND hidden = 0""",
    """CREATE INDEX IF NOT EXISTS log_shown_changed ON log (room_id, message_rev)
        WHERE message_rev IS NOT NULL AND hidden = 0""",
    """CREATE INDEX IF NOT EXISTS log_partly_shown ON log (room_id, message_rev)
        WHERE open_rev IS NOT NULL AND hidden = 0""",
    """CREATE INDEX IF NOT EXISTS log_hidden ON log (room_id, actor_id, rev)
        WHERE hidden = 1""",
    """CREATE INDEX IF NOT EXISTS log_hidden_changed ON log (room_id, actor_id, message_rev)
        WHERE hidden = 1""",
    """CREATE INDEX IF NOT EXISTS log_expiring ON log (expiring_at, room_id, rev)
        WHERE expiring_at IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS log_undelivered ON log (room_id, rev)
        WHERE undelivered IS NOT NULL""",
    *(
        f"DROP INDEX IF EXISTS {name}"
        for name in ("log_senders", "log_counted", "log_changed", "log_partly_hidden")
    ),
)
"""Indexes on such columns, made once these are there, and in place of what."""


class SqliteStore:
    """Implements ``Store``; ``path`` is a file, whose folder is made, or ``:memory:``.

    ``clock`` says when messages are over; without ``metrics`` nobody is told how long it takes.
    With ``reads_only`` the file must be there, is not changed, and may be in use.
    """

    accounts: AccountStore
    audit: AuditStore
    blocks: BlockStore
    rooms: RoomStore
    messages: MessageStore
    receipts: ReceiptStore
    search: SearchStore
    retention: RetentionStore
    feed: LogFeed
    seen: SeenStore
    reports: ReportStore
    inventory: Inventory

    def __init__(
        self,
        path: str,
        *,
        metrics: Metrics | None = None,
        clock: Clock = utc_now,
        reads_only: bool = False,
    ) -> None:
        self._database = Database(path, metrics=metrics, reads_only=reads_only)
        self._reads_only = reads_only
        self.accounts = SqliteAccountStore(self._database)
        self.audit = SqliteAuditStore(self._database)
        self.blocks = SqliteBlockStore(self._database)
        self.rooms = SqliteRoomStore(self._database)
        self.messages = SqliteMessageStore(self._database, clock)
        self.receipts = SqliteReceiptStore(self._database)
        self.search = SqliteSearchStore(self._database)
        self.retention = SqliteRetentionStore(self._database)
        self.feed = SqliteLogFeed(self._database)
        self.seen = SqliteSeenStore(self._database)
        self.reports = SqliteReportStore(self._database)
        self.inventory = SqliteInventory(self._database)

    async def open(self) -> None:
        if self._database.path != ":memory:" and not self._reads_only:
            try:
                Path(self._database.path).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Unavailable(f"cannot make the data folder: {error}") from error
        await self._database.open()

    async def migrate(self) -> None:
        folder = resources.files(__package__) / "schema"
        scripts = sorted(path.read_text() for path in folder.iterdir())

        def work(connection: sqlite3.Connection) -> None:
            for script in scripts:
                for statement in script.split(";\n"):
                    connection.execute(statement)
            for table, columns in ADDED_COLUMNS.items():
                _add_columns(connection, table, columns)
            for statement in ADDED_INDEXES:
                connection.execute(statement)
            _keep(connection, "epoch", random_id().encode())
            _keep(connection, "secret", secrets.token_bytes(32))

        try:
            await self._database.write(work)
        except Unavailable as error:
            reason = error.__cause__ or error
            raise Unavailable(f"cannot write to {self._database.path}: {reason}") from error

    async def identity(self) -> StoreIdentity:
        rows = await self._database.read(
            lambda connection: dict(
                connection.execute("SELECT name, value FROM identity").fetchall()
            )
        )
        return StoreIdentity(epoch=rows["epoch"].decode(), secret=rows["secret"])

    async def renew_epoch(self) -> str:
        epoch = random_id()
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE identity SET value = ? WHERE name = 'epoch'", (epoch.encode(),)
            ).close()
        )
        return epoch

    async def acquire(self, name: str, holder: str, *, seconds: int) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            now = int(time.time() * 1000)
            cursor = connection.execute(
                "INSERT INTO leases VALUES (?1, ?2, ?3 + ?4) ON CONFLICT (name) DO UPDATE"
                " SET holder = excluded.holder, until = excluded.until"
                " WHERE holder = excluded.holder OR until <= ?3",
                (name, holder, now, seconds * 1000),
            )
            return cursor.rowcount == 1

        return await self._database.write(work)

    async def leases(self, prefix: str) -> Sequence[Lease]:
        sql = "SELECT name, until FROM leases WHERE substr(name, 1, ?) = ?"
        now = int(time.time() * 1000)
        return await self._database.read(
            lambda connection: [
                Lease(name=name, until=from_millis(until), ended=until <= now)
                for name, until in connection.execute(sql, (len(prefix), prefix))
            ]
        )

    async def release(self, name: str, holder: str) -> None:
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder)
            ).close()
        )

    async def ping(self) -> None:
        await self._database.write(lambda connection: connection.execute("SELECT 1").fetchone())

    async def clock(self) -> datetime:
        return utc_now()

    async def close(self) -> None:
        await self._database.close()


def _keep(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    connection.execute("INSERT OR IGNORE INTO identity VALUES (?, ?)", (name, value))


def _add_columns(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
    known = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
    for column in columns:
        if column.split()[0] not in known:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
