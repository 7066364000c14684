"""Reads that say at which of the store's moments they were made."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from bson import Timestamp

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase

ONE_READ: Final = 100_000
A_SECOND: Final = timedelta(seconds=1)

_SNAPSHOT: Final = {"level": "snapshot"}


class Snapshot(NamedTuple):
    """What a majority had at a moment of the cluster's time; ``complete``: all of it is here.

    Whatever was written before that moment is in it. The moment stands still while the
    majority cannot be heard, whatever the clocks say.
    """

    documents: list[Document]
    complete: bool
    moment: Timestamp

    @property
    def read_at(self) -> datetime:
        """The second of the moment."""
        return self.moment.as_datetime()


async def read_snapshot(
    database: MongoDatabase, command: str, collection: str, **arguments: Any
) -> Snapshot:
    """Run a command that answers with a cursor, and take its first batch: 16 MB at most."""
    named = database.client[database.name]
    answer = await named.command(
        command,
        collection,
        readConcern=_SNAPSHOT,
        codec_options=named.codec_options,
        **arguments,
    )
    cursor: Mapping[str, Any] = answer["cursor"]
    if cursor["id"]:
        await named.command("killCursors", collection, cursors=[cursor["id"]])
    return Snapshot(cursor["firstBatch"], not cursor["id"], cursor["atClusterTime"])


async def read_since(
    database: MongoDatabase,
    collection: str,
    field: str,
    moment: datetime | None,
    *,
    only: Sequence[str] = (),
) -> tuple[list[Document], datetime]:
    """What has a time in ``field`` at or after a moment, in order; of ``None``, nothing.

    Of each document the fields ``only``, if any are named.

    And the server's time, but no later than what a majority has, and what was read: else
    what a majority takes late, or what is one batch too many, would be passed over.
    """
    match: Document = {field: {"$gte": moment}} if moment else {"_id": {"$in": []}}
    pipeline: list[dict[str, Any]] = [{"$match": match}, {"$sort": {field: 1}}]
    if only:
        pipeline.append({"$project": dict.fromkeys(only, 1)})
    stages: list[dict[str, Any]] = [
        {"$project": {"_id": 0, "read_at": "$$NOW"}},
        {"$unionWith": {"coll": collection, "pipeline": pipeline}},
    ]
    found = await read_snapshot(
        database, "aggregate", "identity", pipeline=stages, cursor={"batchSize": ONE_READ}
    )
    now, *documents = found.documents
    if found.complete:
        return documents, min(now["read_at"], found.read_at + A_SECOND)
    return documents, documents[-1][field]
