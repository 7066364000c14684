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
from whatchat.domain.ports.room_store import ChangedRoom, ChangedRooms

_FIELDS: Final = {"_id": 0, "room_id": 1, "rev": 1, "change": 1}
_NEVER: Final = Timestamp(2**32 - 1, 0)


async def read_room_changes(
    database: MongoDatabase, moment: datetime | None, limit: int
) -> ChangedRooms:
    """The earliest changes at or after a moment; errors are the driver's."""
    since = _NEVER if moment is None else Timestamp(int(moment.timestamp()), 0)
    found = await read_snapshot(
        database,
        "find",
        "log",
        filter={"room_changed_at": {"$gte": since}},
        projection=_FIELDS,
        sort={"room_changed_at": 1},
        hint=LOG_ROOM_CHANGES,
        limit=limit,
        batchSize=limit + 1,
    )
    return ChangedRooms(
        changes=tuple(map(_changed_room, found.documents)),
        complete=found.complete and len(found.documents) < limit,
        read_at=found.read_at,
    )


def _changed_room(document: Document) -> ChangedRoom:
    return ChangedRoom(
        room_id=document["room_id"],
        rev=document["rev"],
        change=convert(document["change"], MembershipChange),
    )
