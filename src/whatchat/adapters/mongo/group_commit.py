"""Single entries of many rooms on their way into the log together."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Any, Final, NamedTuple

import pymongo
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import DEADLINE_SECONDS
from whatchat.domain.errors import Unavailable

MAX_WAITING: Final = 10_000
MAX_GROUP: Final = 256
MAX_COMMANDS: Final = 2
DUPLICATE_KEY: Final = 11000

Failure = Mapping[str, Any]


class _Waiting(NamedTuple):
    document: Document
    future: "asyncio.Future[Failure | None]"


class GroupCommit:
    """Inserts documents, each one's success its own; what queued up shares the next command.

    Nothing waits while fewer than ``MAX_COMMANDS`` are under way. A command costs the same
    for one document as for fifty, here, on the server, and on its disk.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._waiting: deque[_Waiting] = deque()
        self._commands: set[asyncio.Task[None]] = set()

    async def insert(self, document: Document) -> Failure | None:
        """Insert a document into the log; what the server says if a unique index forbids it.

        Raises what the driver raises, or ``TimeoutError``; the outcome is then unknown.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable
        future: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(document, future))
        self._send()
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await future

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._commands:
            await asyncio.wait(self._commands)

    def _send(self) -> None:
        while self._waiting and len(self._commands) < MAX_COMMANDS:
            group = self._next_group()
            if not group:
                return
            # In a context of its own: the deadline of whoever came first is not all the others'.
            command = asyncio.create_task(
                self._insert(group), name="group-commit", context=Context()
            )
            self._commands.add(command)
            command.add_done_callback(self._done)

    def _next_group(self) -> list[_Waiting]:
        """What has waited longest, without those whose callers gave up."""
        group: list[_Waiting] = []
        while self._waiting and len(group) < MAX_GROUP:
            one = self._waiting.popleft()
            if not one.future.done():
                group.append(one)
        return group

    def _done(self, command: "asyncio.Task[None]") -> None:
        self._commands.discard(command)
        self._send()

    async def _insert(self, group: Sequence[_Waiting]) -> None:
        try:
            with pymongo.timeout(DEADLINE_SECONDS):
                failures = await self._failures([one.document for one in group])
        except (PyMongoError, Unavailable) as error:
            for one in group:
                _fail(one, error)
            return
        for number, one in enumerate(group):
            failure = failures.get(number)
            if failure and failure["code"] != DUPLICATE_KEY:
                _fail(one, OperationFailure("not inserted", failure["code"]))
            elif not one.future.done():
                one.future.set_result(failure)

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


def _fail(one: _Waiting, error: Exception) -> None:
    if not one.future.done():
        one.future.set_exception(error)
