"""All accounts and all rooms, in SQLite."""

from whatchat.adapters.embedded.account_rows import account_of
from whatchat.adapters.embedded.database import Database
from whatchat.adapters.embedded.room_rows import record_of
from whatchat.domain.ids import RoomId
from whatchat.domain.ports.account_store import Account
from whatchat.domain.room_state import RoomRecord


class SqliteInventory:
    """Implements ``Inventory``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accounts(
        self, *, query: str, banned: bool | None, after: str | None, limit: int
    ) -> list[Account]:
        sql = "SELECT * FROM accounts WHERE username > ?1"
        if query:
            sql += (
                " AND (substr(username, 1, length(?2)) = ?2 OR instr(display_name_folded, ?2) > 0)"
            )
        if banned is not None:
            sql += f" AND banned_at IS {'NOT ' if banned else ''}NULL"
        sql += " ORDER BY username LIMIT ?3"
        parameters = (after or "", query.casefold(), limit)
        return await self._database.read(
            lambda connection: [account_of(row) for row in connection.execute(sql, parameters)]
        )

    async def rooms(self, *, query: str, after: RoomId | None, limit: int) -> list[RoomRecord]:
        sql = (
            "SELECT * FROM rooms WHERE room_id > ? AND instr(name_folded, ?) > 0"
            " ORDER BY room_id LIMIT ?"
        )
        parameters = (after or "", query.casefold(), limit)
        return await self._database.read(
            lambda connection: [record_of(row) for row in connection.execute(sql, parameters)]
        )
