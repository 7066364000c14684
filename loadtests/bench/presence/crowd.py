"""People who share direct rooms, put into MongoDB as if they had always been there."""

from collections.abc import Iterator, Sequence
from typing import Final

from whatchat.adapters.mongo.account_documents import account_document
from whatchat.adapters.mongo.collections import Collection, Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.log_documents import DONE, entry_document
from whatchat.adapters.mongo.room_documents import first_places, room_document
from whatchat.domain.batches import batches
from whatchat.domain.ids import ClientId, Rev, RoomId, UserId, random_id
from whatchat.domain.log import AnyChange, Entry, MessagePosted, RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.account_store import Account
from whatchat.domain.room_state import nonexistent, record_after
from whatchat.domain.times import utc_now
from whatchat.observability.metrics import Metrics

AT_ONCE: Final = 5_000
POSTS: Final = 3


class Crowd:
    """``people`` in a ring; each shares a direct room with the ``peers`` nearest to it.

    Both have written in each room, so that all are each other's contacts.
    """

    def __init__(self, people: int, peers: int) -> None:
        self.people: Sequence[UserId] = [UserId(f"person-{number}") for number in range(people)]
        self.peers = peers

    def pairs(self) -> Iterator[tuple[UserId, UserId]]:
        """Who shares a room with whom."""
        for number, user_id in enumerate(self.people):
            for distance in range(1, self.peers // 2 + 1):
                yield user_id, self.people[(number + distance) % len(self.people)]

    async def settle(self, url: str) -> None:
        """Put everything into the database, which is migrated."""
        database = MongoDatabase(url, Metrics())
        await database.open()
        try:
            store = database.majority
            await _insert(store.accounts, map(_account, self.people))
            rooms = [_room(*pair) for pair in self.pairs()]
            await _insert(store.log, (one for entries in rooms for one in map(_done, entries)))
            await _insert(store.rooms, (_record(entries[0]) for entries in rooms))
            await _insert(
                store.members, (place for entries in rooms for place in first_places(entries[0]))
            )
        finally:
            await database.close()


async def _insert(collection: Collection, documents: Iterator[Document]) -> None:
    for some in batches(list(documents), AT_ONCE):
        await collection.insert_many(some, ordered=False)


def _account(user_id: UserId) -> Document:
    return account_document(
        Account(
            user_id=user_id,
            username=user_id,
            display_name=user_id,
            password_hash="",
            created_at=utc_now(),
        )
    )


def _room(one: UserId, other: UserId) -> list[Entry]:
    created = RoomCreated(
        room_kind="direct",
        name="",
        description="",
        settings=RoomSettings(),
        members=(one, other),
    )
    changes: list[tuple[UserId, AnyChange]] = [(one, created)]
    changes += [(who, _post()) for who in (one, other) for _ in range(POSTS)]
    room_id = RoomId(random_id())
    return [
        Entry(
            room_id=room_id,
            rev=Rev(rev),
            actor_id=who,
            client_id=ClientId(random_id()),
            digest=b"",
            at=utc_now(),
            pod="bench",
            change=change,
        )
        for rev, (who, change) in enumerate(changes, 1)
    ]


def _post() -> MessagePosted:
    return MessagePosted(message_type="text", content="How are you?")


def _done(entry: Entry) -> Document:
    document = entry_document(entry)
    if document.pop("pending", None):
        document["projection"] = DONE
    document.pop("concerned", None)
    return document


def _record(entry: Entry) -> Document:
    record = record_after(nonexistent(entry.room_id).record, entry)
    return {"_id": entry.room_id, **room_document(record), "last_activity": record.created_at}
