"""The connection to one replica set."""

import warnings
from datetime import UTC, datetime
from typing import Final, cast

import pymongo
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from whatchat.adapters.mongo.collections import Collections, Document
from whatchat.adapters.mongo.deadlines import DEADLINE_SECONDS
from whatchat.adapters.mongo.monitoring import CommandTimes, PoolTimes
from whatchat.adapters.mongo.refusals import NO_REPLICA_SET, refusal
from whatchat.adapters.mongo.url import DEFAULT_DATABASE, client_options
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.store import Unusable
from whatchat.observability.metrics import Metrics

PING_SECONDS: Final = 1.8
OLDEST_WIRE_VERSION: Final = 17


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
            raise Unusable(f"the URL is not usable: {error}") from None
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
        """Have the primary answer; ``Unavailable`` says why it does not."""
        try:
            with pymongo.timeout(PING_SECONDS):
                await self.client.admin.command("ping")
        except PyMongoError as error:
            raise refusal(error, within=PING_SECONDS) from error

    async def clock(self) -> datetime:
        """The time by the primary's clock."""
        hello = await self.client.admin.command("hello")
        return cast("datetime", hello["localTime"]).replace(tzinfo=UTC)

    async def _examine(self) -> None:
        """Find out that this is a replica set with a primary, and that we may read it."""
        try:
            with pymongo.timeout(DEADLINE_SECONDS):
                hello = await self.client.admin.command("hello")
                if "setName" not in hello:
                    raise Unavailable(NO_REPLICA_SET)
                if hello["maxWireVersion"] < OLDEST_WIRE_VERSION:
                    raise Unusable("MongoDB 6.0 or later is needed")
                await self.majority.identity.find_one({})
        except PyMongoError as error:
            raise refusal(error, within=DEADLINE_SECONDS) from None
