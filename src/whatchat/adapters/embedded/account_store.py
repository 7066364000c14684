"""People, devices and sign-ins in SQLite."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from whatchat.adapters.embedded.account_rows import (
    account_of,
    device_of,
    end_grants,
    keep_grant,
    put_grant,
    replace_hash,
    rotate,
    signed_in,
)
from whatchat.adapters.embedded.database import Database
from whatchat.adapters.embedded.exclusions import ban, exclusion_of, is_banned, sign_out, unban
from whatchat.domain.errors import NotFound, Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.models import Visibility
from whatchat.domain.ports.account_store import (
    Account,
    AccountChange,
    ChangedAccounts,
    DeviceRecord,
    ExcludedAccounts,
    Exclusion,
    Grant,
    Kept,
    Revoked,
    Rotation,
    SignedOut,
)
from whatchat.domain.times import EPOCH, from_millis, to_millis, utc_now


class SqliteAccountStore:
    """Implements ``AccountStore``; the store's time is this machine's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account) -> bool:
        values = (
            account.user_id,
            account.username,
            account.display_name,
            account.display_name.casefold(),
            account.password_hash,
            to_millis(account.created_at),
            account.presence,
            account.read_receipts,
        )

        def work(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                "INSERT INTO accounts (user_id, username, display_name, display_name_folded,"
                " password_hash, created_at, presence, read_receipts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                values,
            )
            return cursor.rowcount == 1

        return await self._database.write(work)

    async def by_username(self, username: str) -> Account | None:
        found = await self._accounts("SELECT * FROM accounts WHERE username = ?", username)
        return found[0] if found else None

    async def by_ids(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Account]:
        found = await self._accounts(
            "SELECT * FROM accounts WHERE user_id IN (SELECT value FROM json_each(?))",
            json.dumps(list(user_ids)),
        )
        return {account.user_id: account for account in found}

    async def search(self, query: str, *, limit: int) -> list[Account]:
        return await self._accounts(
            "SELECT * FROM accounts WHERE substr(username, 1, length(?1)) = ?1"
            " OR instr(display_name_folded, ?1) > 0 ORDER BY username LIMIT ?2",
            query.casefold(),
            limit,
        )

    async def update(
        self,
        user_id: UserId,
        *,
        display_name: str | None = None,
        presence: Visibility | None = None,
        read_receipts: bool | None = None,
    ) -> Account:
        folded = None if display_name is None else display_name.casefold()
        values = (display_name, folded, presence, read_receipts)
        rows = await self._database.write(
            lambda connection: connection.execute(
                "UPDATE accounts SET display_name = coalesce(?, display_name),"
                " display_name_folded = coalesce(?, display_name_folded),"
                " presence = coalesce(?, presence), read_receipts = coalesce(?, read_receipts),"
                " changed_at = ? WHERE user_id = ? RETURNING *",
                (*values, to_millis(utc_now()), user_id),
            ).fetchall()
        )
        if not rows:
            raise NotFound
        return account_of(rows[0])

    async def changed_since(self, moment: datetime | None) -> ChangedAccounts:
        sql = (
            "SELECT user_id, changed_at FROM accounts"
            " WHERE changed_at IS NOT NULL AND changed_at >= ? ORDER BY changed_at"
        )

        def work(connection: sqlite3.Connection) -> ChangedAccounts:
            now = utc_now()
            rows = connection.execute(sql, (to_millis(moment),)) if moment else ()
            changes = tuple(
                AccountChange(user_id=user_id, changed_at=from_millis(changed_at))
                for user_id, changed_at in rows
            )
            return ChangedAccounts(changes=changes, read_at=now)

        return await self._database.read(work)

    async def rehash(self, user_id: UserId, *, expected: str, password_hash: str) -> bool:
        return await self._database.write(
            lambda connection: replace_hash(connection, user_id, expected, password_hash)
        )

    async def change_password(
        self, user_id: UserId, *, expected: str, password_hash: str, keep: DeviceId
    ) -> list[GrantId] | None:
        def work(connection: sqlite3.Connection) -> list[GrantId] | None:
            if not replace_hash(connection, user_id, expected, password_hash):
                return None
            others = [one for one in signed_in(connection, user_id) if one != keep]
            return end_grants(connection, user_id, others)

        return await self._database.write(work)

    async def sign_in(self, device: DeviceRecord, grant: Grant) -> GrantId | None:
        def work(connection: sqlite3.Connection) -> GrantId | None:
            if is_banned(connection, device.user_id):
                raise Unauthenticated
            ended = end_grants(connection, device.user_id, [device.device_id])
            put_grant(connection, device, grant)
            return ended[0] if ended else None

        return await self._database.write(work)

    async def keep_signed_in(self, device: DeviceRecord, grant: Grant) -> Kept:
        def work(connection: sqlite3.Connection) -> Kept:
            if is_banned(connection, device.user_id):
                raise Unauthenticated
            return keep_grant(connection, device, grant)

        return await self._database.write(work)

    async def device(self, user_id: UserId, device_id: DeviceId) -> DeviceRecord | None:
        found = await self._devices(
            "SELECT * FROM devices WHERE user_id = ? AND device_id = ?", user_id, device_id
        )
        return found[0] if found else None

    async def devices(self, user_id: UserId, *, now: datetime) -> list[DeviceRecord]:
        return await self._devices(
            "SELECT * FROM devices WHERE user_id = ? AND grant_id IS NOT NULL"
            " AND expires_at > ? ORDER BY last_seen_at DESC, device_id",
            user_id,
            to_millis(now),
        )

    async def rotate(
        self,
        token_hash: bytes,
        *,
        nonce_hash: bytes,
        successor: Grant,
        now: datetime,
        grace_seconds: int,
    ) -> Rotation:
        grace = timedelta(seconds=grace_seconds)
        return await self._database.write(
            lambda connection: rotate(connection, token_hash, nonce_hash, successor, now, grace)
        )

    async def sign_out(self, user_id: UserId, device_ids: Sequence[DeviceId]) -> list[GrantId]:
        return await self._database.write(
            lambda connection: end_grants(connection, user_id, device_ids)
        )

    async def revoked_since(self, moment: datetime | None) -> Revoked:
        since = to_millis(moment or EPOCH)

        def work(connection: sqlite3.Connection) -> Revoked:
            now = utc_now()
            rows = connection.execute(
                "SELECT grant_id FROM revocations WHERE revoked_at >= ? ORDER BY revoked_at",
                (since,),
            )
            return Revoked(grant_ids=tuple(row["grant_id"] for row in rows), read_at=now)

        return await self._database.read(work)

    async def sign_out_everywhere(self, user_id: UserId) -> SignedOut:
        return await self._database.write(lambda connection: sign_out(connection, user_id))

    async def ban(self, user_id: UserId, *, reason: str | None = None) -> SignedOut:
        return await self._database.write(lambda connection: ban(connection, user_id, reason))

    async def unban(self, user_id: UserId) -> Exclusion | None:
        return await self._database.write(lambda connection: unban(connection, user_id))

    async def excluded_since(self, moment: datetime | None) -> ExcludedAccounts:
        since = to_millis(moment or EPOCH)
        sql = "SELECT * FROM accounts WHERE excluded_at >= ? ORDER BY excluded_at"

        def work(connection: sqlite3.Connection) -> ExcludedAccounts:
            now = utc_now()
            changes = tuple(exclusion_of(row) for row in connection.execute(sql, (since,)))
            return ExcludedAccounts(changes=changes, read_at=now)

        return await self._database.read(work)

    async def _accounts(self, sql: str, *parameters: object) -> list[Account]:
        return await self._database.read(
            lambda connection: [account_of(row) for row in connection.execute(sql, parameters)]
        )

    async def _devices(self, sql: str, *parameters: object) -> list[DeviceRecord]:
        return await self._database.read(
            lambda connection: [device_of(row) for row in connection.execute(sql, parameters)]
        )
