"""The connection to one replica set."""

import re
import warnings
from typing import Final

import pymongo
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from whatchat.adapters.mongo.collections import Collections, Document
from whatchat.adapters.mongo.deadlines import DEADLINE_SECONDS, kind_of
from whatchat.adapters.mongo.monitoring import CommandTimes, PoolTimes
from whatchat.adapters.mongo.url import DEFAULT_DATABASE, client_options
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics

OLDEST_WIRE_VERSION: Final = 17
AUTHENTICATION_FAILED: Final = 18


class MongoDatabase:
    """A client with a bounded pool, and the collections under each read concern.

    Everything written is on the disks of a majority before it is acknowledged, everything
    read comes from the primary. No command outlasts ``DEADLINE_SECONDS``.
    """

    _database: AsyncDatabase[Document]
    majority: Collections
    snapshot: Collections
    local: Collections

    def __init__(self, url: str, metrics: Metrics) -> None:
        self._url = url
        self._listeners = (CommandTimes(metrics), PoolTimes(metrics))
        self._client: AsyncMongoClient[Document] | None = None

    @property
    def client(self) -> AsyncMongoClient[Document]:
        """The driver's client, for what spans several collections."""
        if self._client is None:
            raise Unavailable("the database is closed")
        return self._client

    @property
    def name(self) -> str:
        """The database that the URL names."""
        return self._database.name

    async def open(self) -> None:
        """Connect; ``Unavailable`` is one line on what is wrong with the URL or the server."""
        options = client_options(self._url)
        try:
            with warnings.catch_warnings(action="error", category=UserWarning):
                self._client = AsyncMongoClient(
                    self._url,
                    timeoutMS=int(DEADLINE_SECONDS * 1000),
                    event_listeners=self._listeners,
                    **options,
                )
                self._database = self._client.get_default_database(DEFAULT_DATABASE)
        except (PyMongoError, ValueError, TypeError, OSError, UserWarning) as error:
            raise Unavailable(f"the URL is not usable: {error}") from None
        self.majority = Collections(self._database, "majority")
        self.snapshot = Collections(self._database, "snapshot")
        self.local = Collections(self._database, "local")
        try:
            await self._examine()
        except Unavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of every connection."""
        if self._client is not None:
            await self._client.close()
        self._client = None

    async def ping(self) -> None:
        """Have the primary answer."""
        await self.client.admin.command("ping")

    async def _examine(self) -> None:
        """Find out that this is a replica set with a primary, and that we may read it."""
        try:
            with pymongo.timeout(DEADLINE_SECONDS):
                hello = await self.client.admin.command("hello")
                if "setName" not in hello:
                    raise Unavailable("the MongoDB server is no replica set")
                if hello["maxWireVersion"] < OLDEST_WIRE_VERSION:
                    raise Unavailable("MongoDB 6.0 or later is needed")
                await self.majority.identity.find_one({})
        except PyMongoError as error:
            raise Unavailable(_reason(error)) from None


def _reason(error: PyMongoError) -> str:
    if isinstance(error, OperationFailure):
        if error.code == AUTHENTICATION_FAILED:
            return "MongoDB does not accept the user's name and password"
        return f"MongoDB refuses to be read: {kind_of(error)}"
    if isinstance(error, ServerSelectionTimeoutError):
        cause = re.split(r" \(configured|, Timeout:|,(?=\S)", str(error))[0]
        return f"no primary of a replica set within {DEADLINE_SECONDS:.0f} s: {cause}"
    return f"MongoDB does not answer: {kind_of(error)}"
