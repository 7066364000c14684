"""What must not stay in SQLite for long."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from whatchat.adapters.embedded.database import Database
from whatchat.adapters.embedded.message_words import replace_words
from whatchat.domain.delivery import Place, reached
from whatchat.domain.ids import DeviceId, RoomId, Seq, UserId
from whatchat.domain.message_state import MessageState, given_up
from whatchat.domain.ports.message_store import MessageKey
from whatchat.domain.ports.retention_store import Expired, Reach, Undelivered
from whatchat.domain.times import from_millis, to_millis

_EXPIRED: Final = (
    "SELECT room_id, rev, actor_id, expiring_at FROM log"
    " WHERE expiring_at <= ? AND (expiring_at, room_id, rev) > (?, ?, ?)"
    " ORDER BY expiring_at, room_id, rev LIMIT ?"
)
_UNDELIVERED: Final = (
    "SELECT message FROM log WHERE undelivered IS NOT NULL AND (room_id, rev) > (?, ?)"
    " ORDER BY room_id, rev LIMIT ?"
)
_DEVICES: Final = (
    "SELECT user_id, joined_seq, members.devices, device_id"
    " FROM members JOIN devices USING (user_id)"
    " WHERE room_id = ? AND grant_id IS NOT NULL AND expires_at > ? AND last_seen_at >= ?"
)

_state = msgspec.json.Decoder(MessageState)
_devices = msgspec.json.Decoder(dict[DeviceId, Seq])


class SqliteRetentionStore:
    """Implements ``RetentionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expired(
        self, now: datetime, *, after: Expired | None, limit: int
    ) -> Sequence[Expired]:
        behind = (to_millis(after.expires_at), after.room_id, after.seq) if after else (-1, "", 0)
        parameters = (to_millis(now), *behind, limit)
        return await self._database.read(
            lambda connection: [
                _expired(row) for row in connection.execute(_EXPIRED, parameters).fetchall()
            ]
        )

    async def undelivered(self, *, after: MessageKey | None, limit: int) -> Sequence[Undelivered]:
        parameters = (*(after or ("", 0)), limit)
        return await self._database.read(
            lambda connection: [
                _undelivered(_state.decode(row["message"]))
                for row in connection.execute(_UNDELIVERED, parameters)
            ]
        )

    async def reaches(self, room_id: RoomId, *, now: datetime, since: datetime) -> Sequence[Reach]:
        parameters = (room_id, to_millis(now), to_millis(since))
        rows = await self._database.read(
            lambda connection: connection.execute(_DEVICES, parameters).fetchall()
        )
        places: dict[UserId, Place] = {}
        for row in rows:
            place = places.setdefault(
                row["user_id"], Place(row["joined_seq"], _devices.decode(row["devices"]), [])
            )
            place.seen.append(row["device_id"])
        return reached(places)

    async def give_up(self, messages: Sequence[Undelivered], at: datetime) -> None:
        def work(connection: sqlite3.Connection) -> None:
            for message in messages:
                _give_up(connection, message, at)

        await self._database.write(work, erases=True)


def _undelivered(state: MessageState) -> Undelivered:
    return Undelivered(
        room_id=state.room_id,
        seq=state.seq,
        sender_id=state.sender_id,
        content_rev=state.content_rev,
    )


def _give_up(connection: sqlite3.Connection, message: Undelivered, at: datetime) -> None:
    key = (message.room_id, message.seq)
    row = connection.execute(
        "SELECT message FROM log WHERE room_id = ? AND rev = ? AND undelivered IS NOT NULL", key
    ).fetchone()
    if row is None or (state := _state.decode(row[0])).content_rev != message.content_rev:
        return
    state = given_up(state, at)
    connection.execute(
        "UPDATE log SET message = ?, undelivered = NULL WHERE room_id = ? AND rev = ?",
        (msgspec.json.encode(state), *key),
    )
    connection.execute(
        "UPDATE log SET digest = x'' WHERE room_id = ?1 AND (rev = ?2 OR target = ?2)", key
    )
    replace_words(connection, state)


def _expired(row: sqlite3.Row) -> Expired:
    return Expired(
        room_id=row["room_id"],
        seq=row["rev"],
        sender_id=row["actor_id"],
        expires_at=from_millis(row["expiring_at"]),
    )
