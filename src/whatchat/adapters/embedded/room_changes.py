"""Changes of rooms in the order in which they were written."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from whatchat.domain.log import Entry, MembershipChange
from whatchat.domain.ports.room_store import ChangedRoom, ChangedRooms, ChangesPosition
from whatchat.domain.times import to_millis, utc_now

KEPT: Final = timedelta(hours=1)

_change = msgspec.json.Decoder(MembershipChange)


def note_room_changes(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Note those of ``entries`` that change their room, and forget what is old."""
    changes = [entry for entry in entries if isinstance(entry.change, MembershipChange)]
    if not changes:
        return
    now = utc_now()
    connection.executemany(
        "INSERT INTO room_changes VALUES (?, ?, ?)",
        [(to_millis(now), entry.room_id, entry.rev) for entry in changes],
    )
    connection.execute("DELETE FROM room_changes WHERE changed_at < ?", (to_millis(now - KEPT),))


def read_room_changes(
    connection: sqlite3.Connection, since: datetime | ChangesPosition | None, limit: int
) -> ChangedRooms:
    """The earliest changes at or after a moment, by this machine's clock, or behind a position."""
    now = utc_now()
    rows = connection.execute(
        "SELECT changed_at, room_id, rev, change"
        " FROM room_changes JOIN log USING (room_id, rev)"
        " WHERE (changed_at, room_id, rev) > (?, ?, ?)"
        " ORDER BY changed_at, room_id, rev LIMIT ?",
        (*_behind(since), limit if since else 0),
    ).fetchall()
    changes = tuple(
        ChangedRoom(room_id=row["room_id"], rev=row["rev"], change=_change.decode(row["change"]))
        for row in rows
    )
    return ChangedRooms(
        changes=changes,
        next=_position(rows[-1]) if len(rows) == limit else None,
        read_at=now,
    )


def _behind(since: datetime | ChangesPosition | None) -> tuple[int, str, int]:
    if since is None:
        return 0, "", 0
    if isinstance(since, datetime):
        return to_millis(since), "", 0
    millis, rev, room_id = since.split(":", maxsplit=2)
    return int(millis), room_id, int(rev)


def _position(row: sqlite3.Row) -> ChangesPosition:
    return ChangesPosition(f"{row['changed_at']}:{row['rev']}:{row['room_id']}")
