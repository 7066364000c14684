"""Bringing the database to what this version needs."""

import asyncio
import secrets
from collections.abc import Iterable
from typing import Final

import pymongo
import structlog
from pymongo.errors import OperationFailure, PyMongoError

from whatchat.adapters.mongo.collections import Collection
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import kind_of
from whatchat.adapters.mongo.indexes import INDEXES, RETIRED
from whatchat.adapters.mongo.leases import Leases
from whatchat.adapters.mongo.projection import Projection
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id

log = structlog.get_logger()

IDENTITY: Final = "identity"
LEASE: Final = "migration"
LEASE_SECONDS: Final = 15
RENEWAL_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 0.2
WAIT_SECONDS: Final = 60.0
LONGEST_BUILD_SECONDS: Final = 3600.0


class Migration:
    """Creates collections, indexes and the identity; harmless to repeat.

    One at a time, by a lease, which is renewed for as long as an index takes to build.
    """

    def __init__(self, database: MongoDatabase, leases: Leases, projection: Projection) -> None:
        self._database = database
        self._leases = leases
        self._projection = projection
        self._holder = random_id()

    async def run(self) -> None:
        """Migrate; raises ``Unavailable`` if another migration does not come to its end."""
        try:
            await self._wait_for_lease()
            renewing = asyncio.create_task(self._renew(), name="migration-lease")
            try:
                await self._migrate()
            finally:
                renewing.cancel()
                await asyncio.wait([renewing])
                await self._leases.release(LEASE, self._holder)
        except PyMongoError as error:
            raise Unavailable(f"cannot migrate: {_said(error)}") from error

    async def _wait_for_lease(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS
        while not await self._leases.acquire(LEASE, self._holder, seconds=LEASE_SECONDS):
            if loop.time() > deadline:
                raise Unavailable("another migration is running")
            await asyncio.sleep(RETRY_SECONDS)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            try:
                await self._leases.acquire(LEASE, self._holder, seconds=LEASE_SECONDS)
            except PyMongoError as error:
                log.warning("the migration's lease is not renewed", error=kind_of(error))

    async def _migrate(self) -> None:
        collections = self._database.majority
        with pymongo.timeout(LONGEST_BUILD_SECONDS):
            for name, indexes in INDEXES.items():
                collection = getattr(collections, name)
                for retired in RETIRED.get(name, frozenset()) & {*await _names(collection)}:
                    await collection.drop_index(retired)
                await collection.create_indexes(indexes)
        identity = {"epoch": random_id(), "secret": secrets.token_bytes(32)}
        await collections.identity.update_one(
            {"_id": IDENTITY}, {"$setOnInsert": identity}, upsert=True
        )
        await self._projection.finish_all()


async def _names(collection: Collection) -> Iterable[str]:
    """Of the indexes that it has."""
    return await collection.index_information()


def _said(error: PyMongoError) -> str:
    """The server's words on an index that cannot be built; they hold nothing of anybody's."""
    if isinstance(error, OperationFailure) and error.details:
        return f"{kind_of(error)} {error.details.get('codeName', '')}".rstrip()
    return kind_of(error)
