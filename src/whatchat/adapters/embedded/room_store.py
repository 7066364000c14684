"""Rooms and their people in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from whatchat.adapters.embedded.database import Database
from whatchat.adapters.embedded.room_changes import read_room_changes
from whatchat.adapters.embedded.room_rows import (
    member_of,
    read_listed,
    read_members,
    read_record,
    record_of,
)
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.models import MAX_ROOM_PEOPLE
from whatchat.domain.ports.room_store import (
    ChangedRooms,
    ChangesPosition,
    DirectPeer,
    Membership,
    RoomPosition,
)
from whatchat.domain.room_state import Member, RoomRecord, RoomState
from whatchat.domain.times import to_millis

# As the member sees the room: of columns with one name the first counts.
_MEMBERSHIPS = (
    "SELECT * FROM (SELECT coalesce(known_activity, rooms.last_activity) AS last_activity,"
    " coalesce(known_message_seq, rooms.last_message_seq) AS last_message_seq, *"
    " FROM members JOIN rooms USING (room_id)) WHERE user_id = ? AND concealed = 0"
)
_ACTED = "EXISTS (SELECT 1 FROM log WHERE log.room_id = own.room_id AND actor_id = {}.user_id)"
_DIRECT_PEERS = (
    f"SELECT own.user_id, peer.user_id, {_ACTED.format('own')}, {_ACTED.format('peer')}"
    " FROM members AS own JOIN rooms USING (room_id)"
    " JOIN members AS peer ON peer.room_id = own.room_id AND peer.user_id <> own.user_id"
    " WHERE kind = 'direct' AND own.concealed + peer.concealed = 0"
    " AND own.user_id IN (SELECT value FROM json_each(?))"
)
_NEWEST_FIRST = " ORDER BY last_activity DESC, room_id DESC"


class SqliteRoomStore:
    """Implements ``RoomStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def state(self, room_id: RoomId) -> RoomState | None:
        def work(connection: sqlite3.Connection) -> RoomState | None:
            record = read_record(connection, room_id)
            if record is None:
                return None
            members = read_members(connection, room_id, after=None, limit=MAX_ROOM_PEOPLE)
            return RoomState(record=record, members={one.user_id: one for one in members})

        return await self._database.read(work)

    async def record(self, room_id: RoomId) -> RoomRecord | None:
        return await self._database.read(lambda connection: read_record(connection, room_id))

    async def records(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, RoomRecord]:
        sql = "SELECT * FROM rooms WHERE room_id IN (SELECT value FROM json_each(?))"
        wanted = msgspec.json.encode(room_ids).decode()
        return await self._database.read(
            lambda connection: {
                row["room_id"]: record_of(row) for row in connection.execute(sql, (wanted,))
            }
        )

    async def membership(self, room_id: RoomId, user_id: UserId) -> Membership | None:
        found = await self._memberships(_MEMBERSHIPS + " AND room_id = ?", user_id, room_id)
        return found[0] if found else None

    async def memberships(self, user_id: UserId) -> list[Membership]:
        return await self._memberships(_MEMBERSHIPS + _NEWEST_FIRST, user_id)

    async def memberships_page(
        self, user_id: UserId, *, before: RoomPosition | None, limit: int
    ) -> list[Membership]:
        where, bounds = _earlier_than(before)
        return await self._memberships(
            f"{_MEMBERSHIPS}{where}{_NEWEST_FIRST} LIMIT ?", user_id, *bounds, limit
        )

    async def public_rooms(
        self, *, query: str, before: RoomPosition | None, limit: int
    ) -> list[RoomRecord]:
        where, bounds = _earlier_than(before)
        sql = (
            "SELECT * FROM rooms WHERE is_public = 1 AND instr(name_folded, ?) > 0"
            f"{where}{_NEWEST_FIRST} LIMIT ?"
        )
        parameters = (query.casefold(), *bounds, limit)
        return await self._database.read(
            lambda connection: [record_of(row) for row in connection.execute(sql, parameters)]
        )

    async def members(self, room_id: RoomId, *, after: UserId | None, limit: int) -> list[Member]:
        return await self._database.read(
            lambda connection: read_members(connection, room_id, after=after, limit=limit)
        )

    async def members_among(
        self, room_id: RoomId, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Member]:
        sql = (
            "SELECT * FROM members WHERE room_id = ? AND concealed = 0"
            " AND user_id IN (SELECT value FROM json_each(?))"
        )
        wanted = msgspec.json.encode(user_ids).decode()
        return await self._database.read(
            lambda connection: {
                row["user_id"]: member_of(row) for row in connection.execute(sql, (room_id, wanted))
            }
        )

    async def reveal(self, room_id: RoomId, user_id: UserId) -> bool:
        sql = "UPDATE members SET concealed = 0 WHERE room_id = ? AND user_id = ? AND concealed = 1"
        return await self._database.write(
            lambda connection: connection.execute(sql, (room_id, user_id)).rowcount == 1
        )

    async def listed(
        self, records: Sequence[RoomRecord], viewer_id: UserId | None
    ) -> Mapping[RoomId, list[Member]]:
        return await self._database.read(
            lambda connection: {
                record.room_id: read_listed(connection, record, viewer_id) for record in records
            }
        )

    async def joined(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Mapping[RoomId, Seq]]:
        sql = (
            "SELECT user_id, room_id, joined_seq FROM members"
            " WHERE concealed = 0 AND user_id IN (SELECT value FROM json_each(?))"
        )
        wanted = msgspec.json.encode(user_ids).decode()
        rows = await self._database.read(
            lambda connection: connection.execute(sql, (wanted,)).fetchall()
        )
        found: dict[UserId, dict[RoomId, Seq]] = {}
        for user_id, room_id, joined_seq in rows:
            found.setdefault(user_id, {})[room_id] = joined_seq
        return found

    async def direct_peers(
        self, user_ids: Sequence[UserId]
    ) -> Mapping[UserId, Sequence[DirectPeer]]:
        wanted = msgspec.json.encode(user_ids).decode()
        rows = await self._database.read(
            lambda connection: connection.execute(_DIRECT_PEERS, (wanted,)).fetchall()
        )
        found: dict[UserId, list[DirectPeer]] = {}
        for user_id, peer_id, reached_out, was_reached in rows:
            peer = DirectPeer(
                user_id=peer_id, reached_out=bool(reached_out), was_reached=bool(was_reached)
            )
            found.setdefault(user_id, []).append(peer)
        return found

    async def heads(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, Rev]:
        sql = "SELECT room_id, rev FROM rooms WHERE room_id IN (SELECT value FROM json_each(?))"
        wanted = msgspec.json.encode(room_ids).decode()
        return await self._database.read(
            lambda connection: dict(connection.execute(sql, (wanted,)).fetchall())
        )

    async def changed_since(
        self, since: datetime | ChangesPosition | None, *, limit: int
    ) -> ChangedRooms:
        return await self._database.read(
            lambda connection: read_room_changes(connection, since, limit)
        )

    async def _memberships(self, sql: str, *parameters: object) -> list[Membership]:
        return await self._database.read(
            lambda connection: [
                Membership(record=record_of(row), member=member_of(row))
                for row in connection.execute(sql, parameters)
            ]
        )


def _earlier_than(position: RoomPosition | None) -> tuple[str, tuple[object, ...]]:
    if position is None:
        return "", ()
    bounds = (to_millis(position.last_activity), position.room_id)
    return " AND (last_activity, room_id) < (?, ?)", bounds
