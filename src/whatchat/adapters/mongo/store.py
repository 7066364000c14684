"""MongoDB plays every store port."""

from collections.abc import Sequence
from datetime import datetime

from whatchat.adapters.mongo.account_store import MongoAccountStore
from whatchat.adapters.mongo.activity import Activity
from whatchat.adapters.mongo.audit_store import MongoAuditStore
from whatchat.adapters.mongo.block_store import MongoBlockStore
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.inventory import MongoInventory
from whatchat.adapters.mongo.leases import Leases
from whatchat.adapters.mongo.log_feed import MongoLogFeed
from whatchat.adapters.mongo.message_store import MongoMessageStore
from whatchat.adapters.mongo.migration import IDENTITY, Migration
from whatchat.adapters.mongo.projection import Projection
from whatchat.adapters.mongo.receipt_store import MongoReceiptStore
from whatchat.adapters.mongo.report_store import MongoReportStore
from whatchat.adapters.mongo.retention_store import MongoRetentionStore
from whatchat.adapters.mongo.room_store import MongoRoomStore
from whatchat.adapters.mongo.search_store import MongoSearchStore
from whatchat.adapters.mongo.seen_store import MongoSeenStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id
from whatchat.domain.ports.account_store import AccountStore
from whatchat.domain.ports.audit_store import AuditStore
from whatchat.domain.ports.block_store import BlockStore
from whatchat.domain.ports.inventory import Inventory
from whatchat.domain.ports.log_feed import LogFeed
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.receipt_store import ReceiptStore
from whatchat.domain.ports.report_store import ReportStore
from whatchat.domain.ports.retention_store import RetentionStore
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.search_store import SearchStore
from whatchat.domain.ports.seen_store import SeenStore
from whatchat.domain.ports.store import Lease, StoreIdentity
from whatchat.domain.times import Clock, utc_now
from whatchat.observability.metrics import Metrics


class MongoStore:
    """Implements ``Store`` on the replica set and database that ``url`` names.

    ``clock`` says when messages are over; without ``metrics`` nobody is told how long it takes.
    """

    accounts: AccountStore
    audit: AuditStore
    blocks: BlockStore
    rooms: RoomStore
    messages: MessageStore
    receipts: ReceiptStore
    search: SearchStore
    retention: RetentionStore
    feed: LogFeed
    seen: SeenStore
    reports: ReportStore
    inventory: Inventory

    def __init__(self, url: str, *, metrics: Metrics | None = None, clock: Clock = utc_now) -> None:
        self._database = MongoDatabase(url, metrics or Metrics())
        self._leases = Leases(self._database)
        self._projection = Projection(self._database)
        self._activity = Activity(self._database)
        self._accounts = MongoAccountStore(self._database)
        self.accounts = self._accounts
        self.audit = MongoAuditStore(self._database)
        self._blocks = MongoBlockStore(self._database)
        self.blocks = self._blocks
        self._rooms = MongoRoomStore(self._database, self._projection, self._activity)
        self.rooms = self._rooms
        self._log = MongoMessageStore(self._database, self._projection, self._activity, clock)
        self.messages = self._log
        self.receipts = MongoReceiptStore(self._database)
        self.search = MongoSearchStore(self._database, self._projection)
        self.retention = MongoRetentionStore(self._database, self._projection)
        self.feed = MongoLogFeed(self._database)
        self.seen = MongoSeenStore(self._database)
        self.reports = MongoReportStore(self._database)
        self.inventory = MongoInventory(self._database, self._rooms)

    async def open(self) -> None:
        await self._database.open()

    async def migrate(self) -> None:
        await Migration(self._database, self._leases, self._projection).run()

    @within_deadline
    async def identity(self) -> StoreIdentity:
        found = await self._database.majority.identity.find_one({"_id": IDENTITY})
        if found is None:
            raise Unavailable("the store has not been migrated")
        return StoreIdentity(epoch=found["epoch"], secret=found["secret"])

    @within_deadline
    async def renew_epoch(self) -> str:
        epoch = random_id()
        await self._database.majority.identity.update_one(
            {"_id": IDENTITY}, {"$set": {"epoch": epoch}}
        )
        return epoch

    @within_deadline
    async def acquire(self, name: str, holder: str, *, seconds: int) -> bool:
        return await self._leases.acquire(name, holder, seconds=seconds)

    @within_deadline
    async def release(self, name: str, holder: str) -> None:
        await self._leases.release(name, holder)

    @within_deadline
    async def leases(self, prefix: str) -> Sequence[Lease]:
        return await self._leases.beginning(prefix)

    @within_deadline
    async def ping(self) -> None:
        await self._database.ping()

    @within_deadline
    async def clock(self) -> datetime:
        return await self._database.clock()

    async def close(self) -> None:
        await self.feed.close()
        await self._log.close()
        await self._rooms.close()
        await self._blocks.close()
        await self._accounts.close()
        await self._activity.close()
        await self._database.close()
