"""The audit log in MongoDB."""

from collections.abc import Sequence
from typing import Final

from pymongo.errors import BulkWriteError, DuplicateKeyError

from whatchat.adapters.mongo.collections import Collection, Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed

DUPLICATE_KEY: Final = 11000

_INTEGER: Final = {"$type": ["int", "long"]}


class MongoAuditStore:
    """Implements ``AuditStore``.

    A batch goes into the chain in order, up to the first record whose place is taken or that is
    in it already: two unique indexes refuse those. What waits has an ``_id`` by the time of its
    pod.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @within_deadline
    async def add(self, records: Sequence[Pending]) -> None:
        documents: list[Document] = [
            {"record_id": one.record_id, "body": one.body} for one in records
        ]
        pending = self._database.majority.audit_pending
        if documents and await _insert(pending, documents, ordered=False):
            await self._confirm([one.record_id for one in records])

    @within_deadline
    async def pending(self, *, limit: int) -> list[Pending]:
        cursor = self._database.majority.audit_pending.find(
            sort=[("_id", 1)], limit=limit, batch_size=limit + 1
        )
        return [
            Pending(record_id=_text(found, "record_id"), body=_bytes(found, "body"))
            for found in await cursor.to_list()
        ]

    @within_deadline
    async def last(self) -> Sealed | None:
        chain = self._database.majority.audit_chain
        found = await chain.find_one({"seq": _INTEGER}, sort=[("seq", -1)])
        return _sealed(found) if found else None

    @within_deadline
    async def seal(self, records: Sequence[Sealed]) -> bool:
        documents = [_document(one) for one in records]
        chain = self._database.majority.audit_chain
        is_whole = not documents or not await _insert(chain, documents, ordered=True)
        await self._take_off([one.record_id for one in records], are_in=is_whole)
        return is_whole

    @within_deadline
    async def read(self, *, after: int, limit: int) -> list[Sealed]:
        cursor = self._database.majority.audit_chain.find(
            {"seq": {"$gt": after, **_INTEGER}},
            sort=[("seq", 1)],
            limit=limit,
            batch_size=limit + 1,
        )
        return [_sealed(found) for found in await cursor.to_list()]

    @within_deadline
    async def sign(self, head: KeptHead) -> None:
        heads = self._database.majority.audit_heads
        try:
            await heads.insert_one({"_id": head.seq, "head": head.head})
        except DuplicateKeyError:
            if not await heads.find_one({"_id": head.seq}):
                raise Unavailable from None  # there is one, but no majority has it yet

    @within_deadline
    async def heads(self, *, after: int, limit: int) -> list[KeptHead]:
        cursor = self._database.majority.audit_heads.find(
            {"_id": {"$gt": after, **_INTEGER}},
            sort=[("_id", 1)],
            limit=limit,
            batch_size=limit + 1,
        )
        return [
            KeptHead(seq=int(found["_id"]), head=_bytes(found, "head"))
            for found in await cursor.to_list()
        ]

    async def _confirm(self, record_ids: Sequence[str]) -> None:
        """See to it that a majority has these, in one place or the other."""
        found: set[str] = set()
        # In this order: a sealer takes them off there only once they are here.
        for one in (self._database.majority.audit_pending, self._database.majority.audit_chain):
            cursor = one.find({"record_id": {"$in": list(record_ids)}}, {"record_id": 1})
            found.update([document["record_id"] for document in await cursor.to_list()])
        if not found.issuperset(record_ids):
            raise Unavailable

    async def _take_off(self, record_ids: Sequence[str], *, are_in: bool) -> None:
        """Take off what waits, of these, if they ``are_in`` the chain; else those that are."""
        wanted = {"record_id": {"$in": list(record_ids)}}
        if not are_in:
            cursor = self._database.majority.audit_chain.find(wanted, {"record_id": 1})
            known = [found["record_id"] for found in await cursor.to_list()]
            wanted = {"record_id": {"$in": known}}
        await self._database.majority.audit_pending.delete_many(wanted)


async def _insert(collection: Collection, documents: Sequence[Document], *, ordered: bool) -> bool:
    """Insert; whether some were refused, as they or their places are there already."""
    try:
        await collection.insert_many(documents, ordered=ordered)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        is_other = any(failure["code"] != DUPLICATE_KEY for failure in failures)
        if is_other or error.details["writeConcernErrors"]:
            raise
        return True
    return False


def _document(one: Sealed) -> Document:
    return {
        "seq": one.seq,
        "record_id": one.record_id,
        "previous": one.previous,
        "body": one.body,
        "digest": one.digest,
    }


def _sealed(found: Document) -> Sealed:
    return Sealed(
        seq=int(found["seq"]),
        record_id=_text(found, "record_id"),
        previous=_bytes(found, "previous"),
        body=_bytes(found, "body"),
        digest=_bytes(found, "digest"),
    )


def _bytes(found: Document, field: str) -> bytes:
    value = found.get(field)
    return value if isinstance(value, bytes) else b""


def _text(found: Document, field: str) -> str:
    value = found.get(field)
    return value if isinstance(value, str) else ""
