"""How far members have got, in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ids import DeviceId, RoomId, Seq, UserId
from whatchat.domain.ports.receipt_store import (
    ChangedReceipts,
    Cursors,
    Move,
    Moved,
    ReceiptCount,
)
from whatchat.domain.receipts import after_move, by_member, devices_after, merged
from whatchat.domain.times import to_millis, utc_now

_devices = msgspec.json.Decoder(dict[DeviceId, Seq])

_PLACE = (
    "SELECT delivered_seq, read_seq, shown_delivered_seq, shown_read_seq, devices, moved_at,"
    " shown_at FROM members WHERE room_id = ? AND user_id = ?"
)
_ADVANCE = (
    "UPDATE members SET delivered_seq = ?, read_seq = ?, shown_delivered_seq = ?,"
    " shown_read_seq = ?, devices = ?, moved_at = ?, shown_at = ?"
    " WHERE room_id = ? AND user_id = ?"
)
_CHANGED = (
    "SELECT value FROM json_each(?1) WHERE"
    " EXISTS (SELECT 1 FROM members WHERE room_id = value AND shown_at >= ?2)"
    " OR EXISTS (SELECT 1 FROM members WHERE room_id = value AND user_id = ?3 AND moved_at >= ?2)"
)
_AUTHORS = (
    "SELECT actor_id, max(rev) FROM log INDEXED BY log_shown WHERE room_id = ?"
    " AND rev > ? AND rev <= ? AND message_rev IS NOT NULL AND hidden = 0 GROUP BY actor_id"
)
_COUNT = (
    "SELECT count(*), coalesce(sum(shown_read_seq >= ?1), 0) FROM members"
    " WHERE room_id = ?2 AND shown_delivered_seq >= ?1 AND user_id <> ?3"
)


class SqliteReceiptStore:
    """Implements ``ReceiptStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def advance(self, moves: Sequence[Move]) -> list[Moved | None]:
        members = by_member(moves)

        def work(connection: sqlite3.Connection) -> list[Moved | None]:
            now = to_millis(utc_now())
            moved = {key: _advance(connection, own, now) for key, own in members.items()}
            return [moved[one.room_id, one.user_id] for one in moves]

        return await self._database.write(work)

    async def changed(
        self, viewer_id: UserId, room_ids: Sequence[RoomId], since: datetime | None
    ) -> ChangedReceipts:
        now = utc_now()
        if since is None or not room_ids:
            return ChangedReceipts(room_ids=frozenset(), read_at=now)
        wanted = msgspec.json.encode(room_ids).decode()
        parameters = (wanted, to_millis(since), viewer_id)
        rows = await self._database.read(
            lambda connection: connection.execute(_CHANGED, parameters).fetchall()
        )
        return ChangedReceipts(room_ids=frozenset(row[0] for row in rows), read_at=now)

    async def authors(self, room_id: RoomId, *, after: Seq, upto: Seq) -> Mapping[UserId, Seq]:
        return await self._database.read(
            lambda connection: dict(connection.execute(_AUTHORS, (room_id, after, upto)).fetchall())
        )

    async def count(self, room_id: RoomId, seq: Seq, *, without: UserId) -> ReceiptCount:
        delivered, read = await self._database.read(
            lambda connection: connection.execute(_COUNT, (seq, room_id, without)).fetchone()
        )
        return ReceiptCount(delivered=delivered, read=read)

    async def devices(self, room_id: RoomId) -> Mapping[UserId, Mapping[DeviceId, Seq]]:
        sql = "SELECT user_id, devices FROM members WHERE room_id = ? AND delivered_seq > 0"
        return await self._database.read(
            lambda connection: {
                user_id: _devices.decode(devices)
                for user_id, devices in connection.execute(sql, (room_id,))
            }
        )


def _advance(connection: sqlite3.Connection, moves: Sequence[Move], now: int) -> Moved | None:
    """Make one member's moves; what changes nothing is not written."""
    move = merged(moves)
    place = move.room_id, move.user_id
    row = connection.execute(_PLACE, place).fetchone()
    if row is None:
        return None
    before = Cursors(
        delivered_seq=row["delivered_seq"],
        read_seq=row["read_seq"],
        shown_delivered_seq=row["shown_delivered_seq"],
        shown_read_seq=row["shown_read_seq"],
    )
    after = after_move(before, move)
    known = _devices.decode(row["devices"])
    devices = devices_after(known, moves)
    if after == before and devices == known:
        return Moved(before=before, after=after)
    is_seen = (after.shown_delivered_seq, after.shown_read_seq) != (
        before.shown_delivered_seq,
        before.shown_read_seq,
    )
    times = now, now if is_seen else row["shown_at"]
    cursors = after.delivered_seq, after.read_seq, after.shown_delivered_seq, after.shown_read_seq
    connection.execute(_ADVANCE, (*cursors, msgspec.json.encode(devices), *times, *place))
    return Moved(before=before, after=after)
