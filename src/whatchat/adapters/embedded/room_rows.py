"""Rooms and members as rows: written with the log's entries, read by the room store."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from whatchat.adapters.embedded.room_changes import note_room_changes
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.log import (
    Entry,
    MemberRemoved,
    MembersAdded,
    MessagePosted,
    RoleChanged,
    RoomCreated,
)
from whatchat.domain.models import LISTED_PEOPLE, RoomSettings
from whatchat.domain.room_state import (
    Member,
    RoomRecord,
    members_after,
    nonexistent,
    record_after,
)
from whatchat.domain.times import from_millis, to_millis

_settings = msgspec.json.Decoder(RoomSettings)


def project_room(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Bring the room's row and its members' rows up to the last of ``entries``."""
    if not entries:
        return
    record = read_record(connection, entries[0].room_id)
    record = record or nonexistent(entries[0].room_id).record
    for entry in entries:
        _project_members(connection, entry)
        if record.kind == "direct" and isinstance(entry.change, MessagePosted):
            _note_known(connection, record, entry, hidden=entry.change.hidden)
        record = record_after(record, entry)
    _write_record(connection, record)
    note_room_changes(connection, entries)


def read_record(connection: sqlite3.Connection, room_id: RoomId) -> RoomRecord | None:
    """The room's row, if there is such a room."""
    row = connection.execute("SELECT * FROM rooms WHERE room_id = ?", (room_id,)).fetchone()
    return row and record_of(row)


def record_of(row: sqlite3.Row) -> RoomRecord:
    """The record that a row of ``rooms`` holds."""
    return RoomRecord(
        room_id=row["room_id"],
        kind=row["kind"],
        name=row["name"],
        description=row["description"],
        settings=_settings.decode(row["settings"]),
        created_by=row["created_by"],
        created_at=from_millis(row["created_at"]),
        rev=row["rev"],
        changed_rev=row["changed_rev"],
        participant_count=row["participant_count"],
        last_activity=from_millis(row["last_activity"]),
        last_message_seq=row["last_message_seq"],
    )


def member_of(row: sqlite3.Row) -> Member:
    """The member that a row of ``members`` holds."""
    return Member(
        user_id=row["user_id"],
        role=row["role"],
        joined_seq=row["joined_seq"],
        delivered_seq=row["delivered_seq"],
        read_seq=row["read_seq"],
        shown_delivered_seq=row["shown_delivered_seq"],
        shown_read_seq=row["shown_read_seq"],
        concealed=bool(row["concealed"]),
    )


def _write_record(connection: sqlite3.Connection, record: RoomRecord) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO rooms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.room_id,
            record.kind,
            record.name,
            record.name.casefold(),
            record.description,
            msgspec.json.encode(record.settings),
            record.kind == "group" and not record.settings.is_private,
            record.created_by,
            to_millis(record.created_at),
            record.rev,
            record.changed_rev,
            record.participant_count,
            to_millis(record.last_activity),
            record.last_message_seq,
        ),
    )


def _project_members(connection: sqlite3.Connection, entry: Entry) -> None:
    room_id = entry.room_id
    match entry.change:
        case RoomCreated() | MembersAdded():
            _add(connection, room_id, members_after({}, entry).values())
        case MemberRemoved(user_id=user_id):
            connection.execute(
                "DELETE FROM members WHERE room_id = ? AND user_id = ?", (room_id, user_id)
            )
        case RoleChanged(user_id=user_id, role=role):
            connection.execute(
                "UPDATE members SET role = ? WHERE room_id = ? AND user_id = ?",
                (role, room_id, user_id),
            )
        case _:
            pass


def _note_known(
    connection: sqlite3.Connection, before: RoomRecord, entry: Entry, *, hidden: bool
) -> None:
    """Keep for whoever does not see a new message what was the latest before it."""
    connection.execute(
        "UPDATE members SET"
        " known_activity = iif(?1 AND user_id <> ?2, coalesce(known_activity, ?3), NULL),"
        " known_message_seq = iif(?1 AND user_id <> ?2, coalesce(known_message_seq, ?4), NULL)"
        " WHERE room_id = ?5 AND (?1 OR known_activity IS NOT NULL)",
        (
            hidden,
            entry.actor_id,
            to_millis(before.last_activity),
            before.last_message_seq,
            entry.room_id,
        ),
    )


def _add(connection: sqlite3.Connection, room_id: RoomId, members: Iterable[Member]) -> None:
    connection.executemany(
        "INSERT INTO members (room_id, user_id, role, joined_seq, concealed)"
        " VALUES (?, ?, ?, ?, ?)",
        [(room_id, one.user_id, one.role, one.joined_seq, one.concealed) for one in members],
    )


def read_members(
    connection: sqlite3.Connection, room_id: RoomId, *, after: UserId | None, limit: int
) -> list[Member]:
    """A page of the room's people, by user id."""
    rows = connection.execute(
        "SELECT * FROM members WHERE room_id = ? AND user_id > ? ORDER BY user_id LIMIT ?",
        (room_id, after or "", limit),
    )
    return [member_of(row) for row in rows]


def read_listed(
    connection: sqlite3.Connection, record: RoomRecord, viewer_id: UserId | None
) -> list[Member]:
    """The people whom the room lists, in the order of their joining, then by user id."""
    listed = "" if record.participant_count <= LISTED_PEOPLE else " AND role = 'admin'"
    rows = connection.execute(
        f"SELECT * FROM members WHERE room_id = ?{listed} ORDER BY joined_seq, user_id",
        (record.room_id,),
    )
    found = [member_of(row) for row in rows]
    if viewer_id is None or any(member.user_id == viewer_id for member in found):
        return found
    row = connection.execute(
        "SELECT * FROM members WHERE room_id = ? AND user_id = ?", (record.room_id, viewer_id)
    ).fetchone()
    return [*found, member_of(row)] if row else found
