"""Single entries of many rooms on their way into the log together."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.gathering import Gathering

MAX_GROUP: Final = 256
DUPLICATE_KEY: Final = 11000

Failure = Mapping[str, Any]


class GroupCommit:
    """Inserts documents, each one's success its own; what queued up shares the next command.

    A command costs the same for one document as for fifty, here, on the server, and on its
    disk.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._inserts = Gathering(self._insert, name="group-commit", most=MAX_GROUP)

    async def insert(self, document: Document) -> Failure | None:
        """Insert a document into the log; what the server says if a unique index forbids it.

        Raises ``Unavailable``, ``TimeoutError`` or what the driver does; the outcome is then
        unknown.
        """
        return await self._inserts.ask(document)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._inserts.close()

    async def _insert(self, documents: Sequence[Document]) -> list[Failure | Exception | None]:
        failures = await self._failures(documents)
        return [_outcome(failures.get(number)) for number in range(len(documents))]

    async def _failures(self, documents: Sequence[Document]) -> Mapping[int, Failure]:
        """Insert; why those that are not in are not, by their place."""
        log = self._database.majority.log
        try:
            if len(documents) == 1:
                await log.insert_one(documents[0])
            else:
                await log.insert_many(documents, ordered=False)
        except DuplicateKeyError as error:
            return {0: error.details or {}}
        except BulkWriteError as error:
            if error.details["writeConcernErrors"]:
                raise
            return {failure["index"]: failure for failure in error.details["writeErrors"]}
        return {}


def _outcome(failure: Failure | None) -> Failure | Exception | None:
    if failure and failure["code"] != DUPLICATE_KEY:
        return OperationFailure("not inserted", failure["code"])
    return failure
