"""Who is banned or signed out everywhere, in SQLite's table of accounts."""

import sqlite3
from typing import Final

from whatchat.adapters.embedded.account_rows import end_grants, signed_in
from whatchat.domain.errors import NotFound
from whatchat.domain.ids import UserId
from whatchat.domain.ports.account_store import Exclusion, SignedOut
from whatchat.domain.times import from_millis, to_millis, utc_now

_NOW: Final = "max(?2, coalesce(excluded_at, 0) + 1)"
"""The time, ``?2``, but after what changed before, also when the clock was set back."""


def exclusion_of(row: sqlite3.Row) -> Exclusion:
    """The exclusion in a row of ``accounts`` that has one."""
    return Exclusion(
        user_id=row["user_id"],
        is_banned=row["banned_at"] is not None,
        signed_out_at=from_millis(row["signed_out_at"]),
        changed_at=from_millis(row["excluded_at"]),
    )


def is_banned(connection: sqlite3.Connection, user_id: UserId) -> bool:
    """Whether there is an account of that id, and it is banned."""
    row = connection.execute(
        "SELECT 1 FROM accounts WHERE user_id = ? AND banned_at IS NOT NULL", (user_id,)
    ).fetchone()
    return row is not None


def sign_out(connection: sqlite3.Connection, user_id: UserId) -> SignedOut:
    """End all grants."""
    row = connection.execute(
        f"UPDATE accounts SET signed_out_at = {_NOW}, excluded_at = {_NOW}"
        " WHERE user_id = ?1 RETURNING *",
        (user_id, to_millis(utc_now())),
    ).fetchone()
    if row is None:
        raise NotFound
    ended = end_grants(connection, user_id, signed_in(connection, user_id))
    return SignedOut(exclusion=exclusion_of(row), grant_ids=tuple(ended))


def ban(connection: sqlite3.Connection, user_id: UserId, reason: str | None) -> SignedOut:
    """Bar the user, who is signed out by it; one that is barred stays as it is."""
    connection.execute(
        f"UPDATE accounts SET banned_at = {_NOW}, ban_reason = ?3, signed_out_at = {_NOW},"
        f" excluded_at = {_NOW} WHERE user_id = ?1 AND banned_at IS NULL",
        (user_id, to_millis(utc_now()), reason),
    )
    row = _account(connection, user_id)
    ended = end_grants(connection, user_id, signed_in(connection, user_id))
    return SignedOut(exclusion=exclusion_of(row), grant_ids=tuple(ended))


def unban(connection: sqlite3.Connection, user_id: UserId) -> Exclusion | None:
    """Lift the ban, if there is one."""
    row = connection.execute(
        f"UPDATE accounts SET banned_at = NULL, ban_reason = NULL, excluded_at = {_NOW}"
        " WHERE user_id = ?1 AND banned_at IS NOT NULL RETURNING *",
        (user_id, to_millis(utc_now())),
    ).fetchone()
    if row is None:
        _account(connection, user_id)
        return None
    return exclusion_of(row)


def _account(connection: sqlite3.Connection, user_id: UserId) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM accounts WHERE user_id = ?", (user_id,)
    ).fetchone()
    if row is None:
        raise NotFound
    return row
