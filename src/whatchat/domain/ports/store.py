"""The store as a whole."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.errors import Unavailable
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


class Unusable(Unavailable):
    """As it is configured this can never be a store: trying again changes nothing."""


class NotLetIn(Unavailable):
    """The store does not accept the name and password, or does not know them yet."""


class StoreIdentity(Struct, frozen=True, kw_only=True):
    """What makes a store this store.

    ``epoch`` names the history that cursors belong to; ``secret`` is 32 random bytes that
    never leave it, from which digests and ids are keyed.
    """

    epoch: str
    secret: bytes


class Lease(Struct, frozen=True, kw_only=True):
    """A lease that was not given up: by the store's clock it lasts ``until`` or has ended."""

    name: str
    until: datetime
    ended: bool


class Store(Protocol):
    """Opens, prepares and closes the truth; the other store ports are its parts."""

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

    async def open(self) -> None:
        """Connect. Raises ``Unavailable`` naming what is wrong with the URL or the server.

        :class:`Unusable` and :class:`NotLetIn` where that is so.
        """
        ...

    async def migrate(self) -> None:
        """Create or update tables and indexes; safe to repeat and to run side by side."""
        ...

    async def identity(self) -> StoreIdentity:
        """The store's identity, made on the first migration."""
        ...

    async def renew_epoch(self) -> str:
        """Start a new history, after a restore: every cursor of the old one is void."""
        ...

    async def acquire(self, name: str, holder: str, *, seconds: int) -> bool:
        """Take or extend a named lease by the store's time; false while another holds it."""
        ...

    async def leases(self, prefix: str) -> Sequence[Lease]:
        """The leases whose names begin so; one that has ended is remembered for days."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Give a lease up; harmless if it is not held."""
        ...

    async def ping(self) -> None:
        """Answer, or raise ``Unavailable`` saying why not, within two seconds."""
        ...

    async def clock(self) -> datetime:
        """The time by the clock of who holds the data."""
        ...

    async def close(self) -> None:
        """Finish what is queued and disconnect."""
        ...
