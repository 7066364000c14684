"""Reads that say at which of the store's moments they were made."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import Timestamp

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase

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
