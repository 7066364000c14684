"""Changes of rooms in the order in which MongoDB took them."""

from datetime import datetime
from typing import Final

from bson import Timestamp
from msgspec import convert

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.indexes import LOG_ROOM_CHANGES
from whatchat.adapters.mongo.snapshots import read_snapshot
from whatchat.domain.log import MembershipChange
from whatchat.domain.ports.room_store import ChangedRoom, ChangedRooms, ChangesPosition

_FIELDS: Final = {"_id": 0, "room_id": 1, "rev": 1, "change": 1, "room_changed_at": 1}
_NEVER: Final = Timestamp(2**32 - 1, 0)


async def read_room_changes(
    database: MongoDatabase, since: datetime | ChangesPosition | None, limit: int
) -> ChangedRooms:
    """The earliest changes at or after a moment, or behind a position; errors are the driver's."""
    found = await read_snapshot(
        database,
        "find",
        "log",
        filter={"room_changed_at": _from(since)},
        projection=_FIELDS,
        sort={"room_changed_at": 1},
        hint=LOG_ROOM_CHANGES,
        limit=limit,
        batchSize=limit + 1,
    )
    is_all = found.complete and len(found.documents) < limit
    return ChangedRooms(
        changes=tuple(map(_changed_room, found.documents)),
        next=None if is_all else _position(found.documents[-1]["room_changed_at"]),
        read_at=found.read_at,
    )


def _from(since: datetime | ChangesPosition | None) -> Document:
    if since is None:
        return {"$gt": _NEVER}
    if isinstance(since, datetime):
        return {"$gte": Timestamp(int(since.timestamp()), 0)}
    # A primary gives no time twice, nor one that it has seen an earlier primary give.
    seconds, _, number = since.partition(":")
    return {"$gt": Timestamp(int(seconds), int(number))}


def _position(stamp: Timestamp) -> ChangesPosition:
    return ChangesPosition(f"{stamp.time}:{stamp.inc}")


def _changed_room(document: Document) -> ChangedRoom:
    return ChangedRoom(
        room_id=document["room_id"],
        rev=document["rev"],
        change=convert(document["change"], MembershipChange),
    )
