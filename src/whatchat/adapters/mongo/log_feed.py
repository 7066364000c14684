"""The log of all rooms in MongoDB, in the order of the oplog."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

import bson
import structlog
from bson import Timestamp
from msgspec import Struct, msgpack
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.indexes import LOG_STORED
from whatchat.adapters.mongo.log_documents import entry_id
from whatchat.domain.ports.work_queue import Job

log = structlog.get_logger()

PAGE: Final = 500
AWAIT_MS: Final = 1_000
BOOKMARK: Final = "feed"

OVERLAP_SECONDS: Final = 30
"""How much later than its time stamp says an entry may have come into the oplog, at most."""

STREAM_SECONDS: Final = 90
"""How far back a stream may begin. It tells nothing before it has passed over all that anybody
wrote since: from an older place that might not be done within a deadline, now or ever."""

# The oplog, or the history of change streams, no longer goes back so far.
_LOST: Final = frozenset({136, 280, 286})

_SHOWN: Final = {"room_id": 1, "rev": 1, "change.kind": 1, "pod": 1, "stored_at": 1}
_STAGES: Final[Sequence[Mapping[str, Any]]] = (
    {"$match": {"operationType": "insert"}},
    {"$project": {"clusterTime": 1, **{f"fullDocument.{name}": 1 for name in _SHOWN}}},
)


class _Stream(Protocol):
    """What the driver returns, which is not what it declares: each answer as it came."""

    @property
    def alive(self) -> bool: ...
    @property
    def address(self) -> tuple[str, int | None] | None: ...
    async def try_next(self) -> bytes | None: ...
    async def close(self) -> None: ...


class _Place(Struct, frozen=True, kw_only=True, array_like=True):
    """A place in the oplog, at or, with an ``entry``, behind that one there.

    With ``scanned_to`` a place among the entries by the stamps that they bear, of which those
    up to there are read so. Times are the server's timestamps as numbers.
    """

    time: int
    entry: str = ""
    scanned_to: int = 0


class MongoLogFeed:
    """Implements ``LogFeed`` by a change stream, and far from the present by the time stamps.

    A stream begins at a time of the oplog instead of a resume token: that can be chosen, is
    found after any failover, and says itself where to look when it is too old. What is behind
    a place older than ``STREAM_SECONDS``, or than the oplog, is read in the order of
    ``stored_at``, which has an index, up to what a majority had when that began; then the same
    again from ``OVERLAP_SECONDS`` before that on, until a stream is within reach. So nothing
    that others write to the server holds it up for good.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._stream: _Stream | None = None
        self._after: bytes | None = None
        self._place = _Place(time=0)

    @within_deadline
    async def read(self, after: bytes | None) -> Sequence[Job]:
        if self._stream is None or after != self._after or await self._is_deposed():
            await self._leave()
            self._place = await self._begin(_place_of(after) if after else _Place(time=0))
            self._after = after
        try:
            jobs = await self._found()
        except BaseException:
            await self._leave()
            raise
        if jobs:
            self._after = jobs[-1].position
            self._place = _place_of(self._after)
        return jobs

    def before(self, position: bytes) -> bytes:
        place = _place_of(position)
        if place.scanned_to:  # stamps are unique
            return _position(_Place(time=place.time - 1, scanned_to=place.scanned_to))
        return _position(_Place(time=place.time))

    @within_deadline
    async def bookmark(self) -> bytes | None:
        found = await self._database.majority.bookmarks.find_one({"_id": BOOKMARK})
        return bytes(found["position"]) if found else None

    @within_deadline
    async def move_bookmark(self, position: bytes, *, expected: bytes | None) -> bool:
        bookmarks = self._database.majority.bookmarks
        if expected is None:
            try:
                await bookmarks.insert_one({"_id": BOOKMARK, "position": position})
            except DuplicateKeyError:
                return False
            return True
        there = {"_id": BOOKMARK, "position": expected}
        moved = await bookmarks.update_one(there, {"$set": {"position": position}})
        return moved.matched_count == 1

    async def close(self) -> None:
        await self._leave()

    async def _found(self) -> list[Job]:
        try:
            return await self._next()
        except OperationFailure as error:
            if error.code not in _LOST:
                raise
            log.warning(
                "the oplog does not go back so far; reading the log by time", code=error.code
            )
            await self._leave()
            self._place = await self._scan_from(_earlier(self._place.time))
            return await self._next()

    async def _next(self) -> list[Job]:
        while self._place.scanned_to:
            if jobs := await self._scanned(self._place):
                return jobs
            self._place = await self._begin(_Place(time=_earlier(self._place.scanned_to)))
        begins = self._stream is None
        if self._stream is None:
            self._stream = await self._opened(self._place.time)
        batch = await self._stream.try_next()
        if not self._stream.alive:
            raise OperationFailure("the change stream has ended")
        jobs = [_streamed(event) for event in bson.decode_all(batch)] if batch else []
        return _behind(self._place, jobs) if begins else jobs

    async def _begin(self, place: _Place) -> _Place:
        """The place itself, or, if no stream can begin there, where to read by the stamps."""
        if place.scanned_to:
            return place
        scan = await self._scan_from(_earlier(place.time))
        reach = _earlier(scan.scanned_to, STREAM_SECONDS)
        return place if reach <= place.time else scan

    async def _opened(self, time: int) -> _Stream:
        stages = [{"$changeStream": {"startAtOperationTime": _timestamp(time)}}, *_STAGES]
        cursor = await self._database.majority.log.aggregate_raw_batches(
            stages, batchSize=PAGE, maxAwaitTimeMS=AWAIT_MS
        )
        return cast("_Stream", cursor)

    async def _scanned(self, place: _Place) -> list[Job]:
        stamps = {"$gt": _timestamp(place.time), "$lte": _timestamp(place.scanned_to)}
        cursor = self._database.majority.log.find(
            {"stored_at": stamps}, _SHOWN, sort=[("stored_at", 1)], hint=LOG_STORED, limit=PAGE
        )
        found = await cursor.to_list()
        return [_job(one, one["stored_at"], place.scanned_to) for one in found]

    async def _scan_from(self, time: int) -> _Place:
        """The place for whoever has to read the log by its stamps, from a time on."""
        hello = await self._database.client.admin.command("hello")
        return _Place(time=time, scanned_to=_number(hello["lastWrite"]["majorityOpTime"]["ts"]))

    async def _is_deposed(self) -> bool:
        """Whether the stream's server is no longer the primary: a cut-off one tells nothing new."""
        primary = await self._database.client.primary
        return primary is not None and self._stream is not None and primary != self._stream.address

    async def _leave(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            try:
                await stream.close()
            except PyMongoError:
                log.debug("the change stream was not closed; the server closes it in time")


def _streamed(event: Mapping[str, Any]) -> Job:
    return _job(event["fullDocument"], event["clusterTime"], 0)


def _job(entry: Mapping[str, Any], time: Timestamp, scanned_to: int) -> Job:
    room_id, rev = entry["room_id"], entry["rev"]
    place = _Place(time=_number(time), entry=entry_id(room_id, rev), scanned_to=scanned_to)
    return Job(
        room_id=room_id,
        rev=rev,
        kind=entry["change"]["kind"],
        pod=entry["pod"],
        stored_at=entry["stored_at"].as_datetime(),
        position=_position(place),
    )


def _behind(place: _Place, jobs: list[Job]) -> list[Job]:
    """The jobs without those up to the place, where a stream begins that began at its time."""
    entries = [_place_of(job.position).entry for job in jobs]
    return jobs[entries.index(place.entry) + 1 :] if place.entry in entries else jobs


def _earlier(time: int, seconds: int | None = None) -> int:
    return max(time - ((OVERLAP_SECONDS if seconds is None else seconds) << 32), 0)


def _number(timestamp: Timestamp) -> int:
    return timestamp.time << 32 | timestamp.inc


def _timestamp(number: int) -> Timestamp:
    return Timestamp(number >> 32, number & 0xFFFFFFFF)


def _position(place: _Place) -> bytes:
    return msgpack.encode(place)


def _place_of(position: bytes) -> _Place:
    return msgpack.decode(position, type=_Place)
