"""The room log in SQLite."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from whatchat.adapters.embedded.database import Database
from whatchat.adapters.embedded.message_words import add_words, replace_words
from whatchat.adapters.embedded.room_rows import project_room
from whatchat.domain.ids import MAX_REV, ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import (
    AnyChange,
    Entry,
    Erasure,
    MessageEdited,
    MessagePosted,
    target_of,
)
from whatchat.domain.message_state import (
    MessageState,
    as_of,
    is_counted,
    latest_seen,
    posted,
    project,
)
from whatchat.domain.ports.message_store import Appended, ChangedSpan, MessageKey
from whatchat.domain.times import Clock, from_millis, to_millis

_encode = msgspec.json.encode
_change = msgspec.json.Decoder(AnyChange)
_state = msgspec.json.Decoder(MessageState)

_ENTRY_COLUMNS: Final = "room_id, rev, actor_id, client_id, digest, at, pod, change"
_SHOWN: Final = "log INDEXED BY log_shown WHERE room_id = ?1 AND hidden = 0 AND message_rev NOTNULL"
_HIDDEN: Final = "log INDEXED BY log_hidden WHERE room_id = ?1 AND hidden = 1 AND actor_id = ?2"
_PART: Final = (
    "SELECT * FROM (SELECT rev, message FROM {what} AND rev >= ?3 AND rev < ?4"
    " ORDER BY rev {direction} LIMIT ?5)"
)
_HISTORY: Final = (
    f"SELECT message FROM ({_PART.replace('{what}', _SHOWN)}"
    f" UNION ALL {_PART.replace('{what}', _HIDDEN)}) ORDER BY rev {{direction}} LIMIT ?5"
)
_UPWARDS: Final = _HISTORY.format(direction="ASC")
_DOWNWARDS: Final = _HISTORY.format(direction="DESC")
_UNREAD: Final = (
    f"SELECT count(*) FROM (SELECT 1 FROM {_SHOWN} AND actor_id <> ?2 AND uncounted = 0"
    " AND rev > ?3 AND rev <= ?4 LIMIT ?5)"
)

_OF_VIEWER: Final = "hidden = 1 AND actor_id = :viewer"
_ALIKE: Final = " AND message_rev <= :upto AND open_rev IS NULL ORDER BY message_rev LIMIT :limit"
_CHANGED: Final = (
    ("log_shown_changed", "hidden = 0", _ALIKE),
    ("log_partly_shown", "hidden = 0", " AND open_rev IS NOT NULL"),
    ("log_hidden_changed", _OF_VIEWER, _ALIKE),
    ("log_hidden_changed", _OF_VIEWER, " AND open_rev IS NOT NULL"),
)
"""Where messages in a span are looked for, that others see or the viewer alone.

Those of which people see different changes are all that may be in it.
"""


class SqliteMessageStore:
    """Implements ``MessageStore``: an entry and its projections are one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def append(self, entries: Sequence[Entry]) -> Appended:
        erases = any(isinstance(entry.change, Erasure | MessageEdited) for entry in entries)
        return await self._database.write(
            lambda connection: _append(connection, entries), erases=erases
        )

    async def finish(self, _room_ids: Collection[RoomId]) -> None:
        """Nothing to do: an entry's projections are written with it."""

    async def entries(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Entry]:
        sql = f"SELECT {_ENTRY_COLUMNS} FROM log WHERE room_id = ? AND rev > ? ORDER BY rev LIMIT ?"
        return await self._database.read(
            lambda connection: [
                _entry(row) for row in connection.execute(sql, (room_id, after, limit))
            ]
        )

    async def find(self, room_id: RoomId, actor_id: UserId, client_id: ClientId) -> Entry | None:
        sql = (
            f"SELECT {_ENTRY_COLUMNS} FROM log WHERE room_id = ? AND actor_id = ? AND client_id = ?"
        )
        row = await self._database.read(
            lambda connection: connection.execute(sql, (room_id, actor_id, client_id)).fetchone()
        )
        return row and _entry(row)

    async def messages(self, keys: Sequence[MessageKey]) -> Mapping[MessageKey, MessageState]:
        sql = "SELECT message FROM log WHERE room_id = ? AND rev = ? AND message IS NOT NULL"

        def work(connection: sqlite3.Connection) -> list[MessageState]:
            rows = (connection.execute(sql, key).fetchone() for key in keys)
            return [_state.decode(row[0]) for row in rows if row]

        return {(one.room_id, one.seq): one for one in await self._read(work)}

    async def history(
        self,
        room_id: RoomId,
        *,
        viewer_id: UserId,
        first: Seq,
        before: Seq | None,
        after: Seq | None,
        limit: int,
    ) -> list[MessageState]:
        forward = after is not None and before is None
        sql = _UPWARDS if forward else _DOWNWARDS
        lower = max(first, (after or 0) + 1)
        upper = MAX_REV + 1 if before is None else before
        parameters = (room_id, viewer_id, lower, upper, limit)
        found = await self._read(lambda connection: _states(connection, sql, parameters))
        return found if forward else found[::-1]

    async def latest(
        self, viewer_id: UserId, spans: Mapping[RoomId, tuple[Seq, Rev]], *, limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        def within(room_id: RoomId, after: Seq, upto: Rev) -> Sequence[object]:
            return room_id, viewer_id, after + 1, upto + 1, limit

        return await self._read_rooms(
            lambda connection: {
                room_id: _states(connection, _DOWNWARDS, within(room_id, *span))[::-1]
                for room_id, span in spans.items()
            }
        )

    async def changed(
        self, viewer_id: UserId, spans: Mapping[RoomId, ChangedSpan], *, limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        return await self._read_rooms(
            lambda connection: {
                room_id: _changed(connection, viewer_id, room_id, span, limit)
                for room_id, span in spans.items()
            }
        )

    async def unread(
        self, viewer_id: UserId, spans: Mapping[RoomId, tuple[Seq, Rev]], *, limit: int
    ) -> Mapping[RoomId, int]:
        return await self._database.read(
            lambda connection: {
                room_id: connection.execute(_UNREAD, (room_id, viewer_id, *span, limit)).fetchone()[
                    0
                ]
                for room_id, span in spans.items()
            }
        )

    async def _read(
        self, work: Callable[[sqlite3.Connection], list[MessageState]]
    ) -> list[MessageState]:
        """The messages that ``work`` finds, as they are now."""
        found = await self._database.read(work)
        now = self._clock()
        return [as_of(state, now) for state in found]

    async def _read_rooms(
        self, work: Callable[[sqlite3.Connection], Mapping[RoomId, list[MessageState]]]
    ) -> Mapping[RoomId, list[MessageState]]:
        """The messages that ``work`` finds in many rooms, as they are now."""
        found = await self._database.read(work)
        now = self._clock()
        return {room_id: [as_of(one, now) for one in states] for room_id, states in found.items()}


def _changed(
    connection: sqlite3.Connection,
    viewer_id: UserId,
    room_id: RoomId,
    span: ChangedSpan,
    limit: int,
) -> list[MessageState]:
    parameters = {
        "room": room_id,
        "viewer": viewer_id,
        "first": span.first,
        "after": span.after,
        "upto": span.upto,
        "limit": limit,
    }
    found = [
        state
        for index, whose, bounds in _CHANGED
        for state in _states(
            connection,
            f"SELECT message FROM log INDEXED BY {index} WHERE room_id = :room AND {whose}"
            f" AND message_rev IS NOT NULL AND rev >= :first AND message_rev > :after{bounds}",
            parameters,
        )
        if span.after < latest_seen(state, viewer_id) <= span.upto
    ]
    return sorted(found, key=lambda state: latest_seen(state, viewer_id))[:limit]


def _states(
    connection: sqlite3.Connection,
    sql: str,
    parameters: Sequence[object] | Mapping[str, object],
) -> list[MessageState]:
    return [_state.decode(row[0]) for row in connection.execute(sql, parameters)]


def _append(connection: sqlite3.Connection, entries: Sequence[Entry]) -> Appended:
    for count, entry in enumerate(entries):
        try:
            _insert(connection, entry)
        except sqlite3.IntegrityError as error:
            taken = "client_id" in str(error)
            project_room(connection, entries[:count])
            return Appended(count=count, clash="client_id" if taken else "rev")
        _project_message(connection, entry)
    project_room(connection, entries)
    return Appended(count=len(entries))


def _insert(connection: sqlite3.Connection, entry: Entry) -> None:
    change = entry.change
    message = posted(entry, change) if isinstance(change, MessagePosted) else None
    connection.execute(
        f"INSERT INTO log ({_ENTRY_COLUMNS}, target, message, message_rev, hidden, uncounted,"
        " expiring_at, undelivered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.room_id,
            entry.rev,
            entry.actor_id,
            entry.client_id,
            entry.digest,
            to_millis(entry.at),
            entry.pod,
            _encode(_without_body(change)),
            target_of(change),
            message and _encode(message),
            message and message.rev,
            message is not None and message.hidden,
            isinstance(change, MessagePosted) and not is_counted(change),
            message and message.expires_at and to_millis(message.expires_at),
            1 if isinstance(change, MessagePosted) and change.deliver_only else None,
        ),
    )
    if message:
        add_words(connection, message)


def _without_body(change: AnyChange) -> AnyChange:
    """A change as the log keeps it: what people wrote stands in the message's state alone."""
    if isinstance(change, MessagePosted | MessageEdited):
        return msgspec.structs.replace(change, content="")
    return change


def _project_message(connection: sqlite3.Connection, entry: Entry) -> None:
    target = target_of(entry.change)
    if target is None:
        return
    key = (entry.room_id, target)
    row = connection.execute("SELECT message FROM log WHERE room_id = ? AND rev = ?", key)
    before = _state.decode(row.fetchone()[0])
    state = project(before, entry)
    connection.execute(
        "UPDATE log SET message = ?, message_rev = ?, open_rev = ? WHERE room_id = ? AND rev = ?",
        (_encode(state), state.rev, state.open_rev, *key),
    )
    if isinstance(entry.change, Erasure | MessageEdited):
        replace_words(connection, state)
    if before.erased_at and not state.erased_at and not state.deleted_at:
        connection.execute("UPDATE log SET undelivered = 1 WHERE room_id = ? AND rev = ?", key)
    if isinstance(entry.change, Erasure):
        connection.execute(
            "UPDATE log SET digest = x'', expiring_at = NULL, undelivered = NULL"
            " WHERE room_id = ?1 AND (rev = ?2 OR target = ?2)",
            key,
        )


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        room_id=row["room_id"],
        rev=row["rev"],
        actor_id=row["actor_id"],
        client_id=row["client_id"],
        digest=row["digest"],
        at=from_millis(row["at"]),
        pod=row["pod"],
        change=_change.decode(row["change"]),
    )
