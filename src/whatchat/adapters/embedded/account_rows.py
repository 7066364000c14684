"""How people, devices and sign-ins lie in SQLite's tables."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.account_store import Account, DeviceRecord, Grant, Kept, Rotation
from whatchat.domain.times import from_millis, to_millis, utc_now

REVOCATIONS_KEPT: Final = timedelta(hours=2)
DEVICES_KEPT: Final = timedelta(days=90)


def account_of(row: sqlite3.Row) -> Account:
    """The account in a row of ``accounts``."""
    return Account(
        user_id=row["user_id"],
        username=row["username"],
        display_name=row["display_name"],
        password_hash=row["password_hash"],
        created_at=from_millis(row["created_at"]),
        presence=row["presence"],
        read_receipts=bool(row["read_receipts"]),
        banned_at=None if row["banned_at"] is None else from_millis(row["banned_at"]),
        ban_reason=row["ban_reason"],
    )


def device_of(row: sqlite3.Row) -> DeviceRecord:
    """The device in a row of ``devices``."""
    return DeviceRecord(
        device_id=row["device_id"],
        user_id=row["user_id"],
        name=row["name"],
        created_at=from_millis(row["created_at"]),
        last_seen_at=from_millis(row["last_seen_at"]),
    )


def replace_hash(
    connection: sqlite3.Connection, user_id: UserId, expected: str, password_hash: str
) -> bool:
    """Replace the password's hash; false if it is not ``expected``."""
    cursor = connection.execute(
        "UPDATE accounts SET password_hash = ? WHERE user_id = ? AND password_hash = ?",
        (password_hash, user_id, expected),
    )
    return cursor.rowcount == 1


def signed_in(connection: sqlite3.Connection, user_id: UserId) -> list[DeviceId]:
    """The user's devices that have a grant, expired or not."""
    rows = connection.execute(
        "SELECT device_id FROM devices WHERE user_id = ? AND grant_id IS NOT NULL", (user_id,)
    )
    return [row["device_id"] for row in rows]


def end_grants(
    connection: sqlite3.Connection, user_id: UserId, device_ids: Sequence[DeviceId]
) -> list[GrantId]:
    """Revoke the grants of these devices."""
    rows = connection.execute(
        "SELECT grant_id FROM devices WHERE user_id = ? AND grant_id IS NOT NULL"
        " AND device_id IN (SELECT value FROM json_each(?))",
        (user_id, json.dumps(list(device_ids))),
    )
    ended = [row["grant_id"] for row in rows]
    _revoke(connection, ended)
    return ended


def put_grant(connection: sqlite3.Connection, device: DeviceRecord, grant: Grant) -> None:
    """Write the device with its new grant, and forget the user's long unseen ones."""
    connection.execute(
        "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, device_id) DO UPDATE SET name = excluded.name,"
        " last_seen_at = excluded.last_seen_at, grant_id = excluded.grant_id,"
        " token_hash = excluded.token_hash, expires_at = excluded.expires_at",
        _values(device, grant),
    )
    _forget_unseen(connection, device)


def keep_grant(connection: sqlite3.Connection, device: DeviceRecord, grant: Grant) -> Kept:
    """Write the device with its only grant, or prolong that unless it has ended."""
    begun = connection.execute(
        "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, device_id) DO NOTHING",
        _values(device, grant),
    )
    if begun.rowcount:
        _forget_unseen(connection, device)
        return "begun"
    prolonged = connection.execute(
        "UPDATE devices SET last_seen_at = max(last_seen_at, ?), expires_at = max(expires_at, ?)"
        " WHERE user_id = ? AND device_id = ? AND grant_id = ?",
        (
            to_millis(device.last_seen_at),
            to_millis(grant.expires_at),
            device.user_id,
            device.device_id,
            grant.grant_id,
        ),
    )
    return "prolonged" if prolonged.rowcount else "ended"


def _values(device: DeviceRecord, grant: Grant) -> tuple[object, ...]:
    return (
        device.user_id,
        device.device_id,
        device.name,
        to_millis(device.created_at),
        to_millis(device.last_seen_at),
        grant.grant_id,
        grant.token_hash,
        to_millis(grant.expires_at),
    )


def _forget_unseen(connection: sqlite3.Connection, device: DeviceRecord) -> None:
    now = to_millis(device.last_seen_at)
    connection.execute(
        "DELETE FROM devices WHERE user_id = ? AND last_seen_at < ?"
        " AND (grant_id IS NULL OR expires_at <= ?)",
        (device.user_id, now - DEVICES_KEPT // timedelta(milliseconds=1), now),
    )


def rotate(
    connection: sqlite3.Connection,
    token_hash: bytes,
    nonce_hash: bytes,
    successor: Grant,
    now: datetime,
    grace: timedelta,
) -> Rotation:
    """Exchange a refresh token, or find out what its second use means."""
    row = connection.execute(
        "SELECT * FROM devices WHERE grant_id = ? AND expires_at > ?",
        (successor.grant_id, to_millis(now)),
    ).fetchone()
    if row is None:
        return Rotation(verdict="unknown")
    if row["token_hash"] == token_hash:
        _exchange(connection, token_hash, nonce_hash, successor, now, grace)
        at = from_millis(to_millis(now))
        return Rotation(verdict="rotated", device=device_of(row), at=at)
    earlier = connection.execute(
        "SELECT rotated_at FROM rotations WHERE token_hash = ? AND nonce_hash = ?"
        " AND grant_id = ? AND rotated_at >= ?",
        (token_hash, nonce_hash, successor.grant_id, to_millis(now - grace)),
    ).fetchone()
    if earlier:
        at = from_millis(earlier["rotated_at"])
        return Rotation(verdict="repeated", device=device_of(row), at=at)
    _revoke(connection, [successor.grant_id])
    return Rotation(verdict="reused", device=device_of(row))


def _exchange(
    connection: sqlite3.Connection,
    token_hash: bytes,
    nonce_hash: bytes,
    successor: Grant,
    now: datetime,
    grace: timedelta,
) -> None:
    connection.execute(
        "UPDATE devices SET token_hash = ?, expires_at = ?, last_seen_at = ? WHERE grant_id = ?",
        (
            successor.token_hash,
            to_millis(successor.expires_at),
            to_millis(now),
            successor.grant_id,
        ),
    )
    connection.execute("DELETE FROM rotations WHERE rotated_at < ?", (to_millis(now - grace),))
    connection.execute(
        "INSERT INTO rotations VALUES (?, ?, ?, ?)",
        (token_hash, successor.grant_id, nonce_hash, to_millis(now)),
    )


def _revoke(connection: sqlite3.Connection, grant_ids: Sequence[GrantId]) -> None:
    now = utc_now()
    for grant_id in grant_ids:
        connection.execute(
            "UPDATE devices SET grant_id = NULL, token_hash = NULL, expires_at = NULL"
            " WHERE grant_id = ?",
            (grant_id,),
        )
        # One that came back after its device had been forgotten may end a second time.
        connection.execute(
            "INSERT OR REPLACE INTO revocations VALUES (?, ?)", (grant_id, to_millis(now))
        )
    connection.execute(
        "DELETE FROM revocations WHERE revoked_at < ?", (to_millis(now - REVOCATIONS_KEPT),)
    )
