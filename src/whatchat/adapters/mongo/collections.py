"""The collections, under one read concern."""

from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]
Collection = AsyncCollection[Document]


class Collections:
    """Every collection of the store, read under ``level``.

    ``majority``: what no failover takes back. ``snapshot``: the same, and all of one
    command at one moment. ``local``: the newest, for deciding what to write next.
    """

    def __init__(self, database: AsyncDatabase[Document], level: str) -> None:
        concern = ReadConcern(level)

        def named(name: str) -> Collection:
            return database.get_collection(name, read_concern=concern)

        self.log = named("log")
        self.rooms = named("rooms")
        self.members = named("members")
        self.accounts = named("accounts")
        self.devices = named("devices")
        self.revocations = named("revocations")
        self.blocks = named("blocks")
        self.identity = named("identity")
        self.leases = named("leases")
        self.bookmarks = named("bookmarks")
        self.seen = named("seen")
        self.audit_pending = named("audit_pending")
        self.audit_chain = named("audit_chain")
        self.audit_heads = named("audit_heads")
        self.reports = named("reports")
