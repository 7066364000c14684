"""People, devices and sign-ins in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from whatchat.adapters.mongo.account_documents import (
    account_document,
    account_of,
    device_key,
    device_of,
)
from whatchat.adapters.mongo.account_names import found_by, named
from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.exclusions import Exclusions
from whatchat.adapters.mongo.gathering import Gathering, answers
from whatchat.adapters.mongo.sign_ins import SignIns
from whatchat.adapters.mongo.snapshots import read_since
from whatchat.domain.errors import NotFound
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.models import Visibility
from whatchat.domain.ports.account_store import (
    Account,
    AccountChange,
    ChangedAccounts,
    DeviceRecord,
    ExcludedAccounts,
    Exclusion,
    Grant,
    Kept,
    Revoked,
    Rotation,
    SignedOut,
)
from whatchat.domain.times import EPOCH

MAX_PEOPLE: Final = 1_000


class MongoAccountStore:
    """Implements ``AccountStore``; the store's time is the primary's clock.

    Those who ask at the same time who people are share their commands.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._sign_ins = SignIns(database)
        self._exclusions = Exclusions(database, self._sign_ins)
        self._reads = Gathering(self._read, name="accounts", most=MAX_PEOPLE, weigh=len)

    async def close(self) -> None:
        """Wait for what is being read for many."""
        await self._reads.close()

    @within_deadline
    async def add(self, account: Account) -> bool:
        try:
            await self._database.majority.accounts.insert_one(account_document(account))
        except DuplicateKeyError:
            return False
        return True

    @within_deadline
    async def by_username(self, username: str) -> Account | None:
        found = await self._database.majority.accounts.find_one({"username": username})
        return account_of(found) if found else None

    @within_deadline
    async def by_ids(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Account]:
        return await self._reads.ask(user_ids)

    async def _read(
        self, questions: Sequence[Sequence[UserId]]
    ) -> list[Mapping[UserId, Account] | Exception]:
        wanted = list({user_id for question in questions for user_id in question})
        cursor = self._database.majority.accounts.find(
            {"_id": {"$in": wanted}}, batch_size=len(wanted) + 1
        )
        return answers(questions, {one["_id"]: account_of(one) for one in await cursor.to_list()})

    @within_deadline
    async def search(self, query: str, *, limit: int) -> list[Account]:
        cursor = self._database.majority.accounts.find(
            found_by(query.casefold()), sort=[("username", 1)], limit=limit, batch_size=limit + 1
        )
        return [account_of(found) for found in await cursor.to_list()]

    @within_deadline
    async def update(
        self,
        user_id: UserId,
        *,
        display_name: str | None = None,
        presence: Visibility | None = None,
        read_receipts: bool | None = None,
    ) -> Account:
        given: Document = {"presence": presence, "read_receipts": read_receipts}
        changes = {name: value for name, value in given.items() if value is not None}
        if display_name is not None:
            changes |= named(display_name)
        found = await self._database.majority.accounts.find_one_and_update(
            {"_id": user_id},
            {"$set": changes or {"_id": user_id}, "$currentDate": {"changed_at": True}},
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            raise NotFound
        return account_of(found)

    @within_deadline
    async def changed_since(self, moment: datetime | None) -> ChangedAccounts:
        found, read_at = await read_since(self._database, "accounts", "changed_at", moment)
        changes = tuple(
            AccountChange(user_id=one["_id"], changed_at=one["changed_at"]) for one in found
        )
        return ChangedAccounts(changes=changes, read_at=read_at)

    @within_deadline
    async def rehash(self, user_id: UserId, *, expected: str, password_hash: str) -> bool:
        result = await self._database.majority.accounts.update_one(
            _with_hash(user_id, expected), {"$set": {"password_hash": password_hash}}
        )
        return result.matched_count == 1

    @within_deadline
    async def change_password(
        self, user_id: UserId, *, expected: str, password_hash: str, keep: DeviceId
    ) -> list[GrantId] | None:
        return await self._sign_ins.end_others(
            _with_hash(user_id, expected), {"password_hash": password_hash}, user_id, keep
        )

    @within_deadline
    async def sign_in(self, device: DeviceRecord, grant: Grant) -> GrantId | None:
        return await self._sign_ins.put(device, grant)

    @within_deadline
    async def keep_signed_in(self, device: DeviceRecord, grant: Grant) -> Kept:
        return await self._sign_ins.keep(device, grant)

    @within_deadline
    async def device(self, user_id: UserId, device_id: DeviceId) -> DeviceRecord | None:
        key = {"_id": device_key(user_id, device_id)}
        found = await self._database.majority.devices.find_one(key)
        return device_of(found) if found else None

    @within_deadline
    async def devices(self, user_id: UserId, *, now: datetime) -> list[DeviceRecord]:
        cursor = self._database.majority.devices.find(
            {"user_id": user_id, "expires_at": {"$gt": now}},
            sort=[("last_seen_at", -1), ("device_id", 1)],
        )
        return [device_of(found) for found in await cursor.to_list()]

    @within_deadline
    async def rotate(
        self,
        token_hash: bytes,
        *,
        nonce_hash: bytes,
        successor: Grant,
        now: datetime,
        grace_seconds: int,
    ) -> Rotation:
        grace = timedelta(seconds=grace_seconds)
        return await self._sign_ins.rotate(token_hash, nonce_hash, successor, now, grace)

    @within_deadline
    async def sign_out(self, user_id: UserId, device_ids: Sequence[DeviceId]) -> list[GrantId]:
        return await self._sign_ins.end(user_id, device_ids)

    @within_deadline
    async def revoked_since(self, moment: datetime | None) -> Revoked:
        return await self._sign_ins.revoked_since(moment or EPOCH)

    @within_deadline
    async def sign_out_everywhere(self, user_id: UserId) -> SignedOut:
        return await self._exclusions.sign_out(user_id)

    @within_deadline
    async def ban(self, user_id: UserId, *, reason: str | None = None) -> SignedOut:
        return await self._exclusions.ban(user_id, reason)

    @within_deadline
    async def unban(self, user_id: UserId) -> Exclusion | None:
        return await self._exclusions.unban(user_id)

    @within_deadline
    async def excluded_since(self, moment: datetime | None) -> ExcludedAccounts:
        return await self._exclusions.since(moment or EPOCH)


def _with_hash(user_id: UserId, password_hash: str) -> Document:
    return {"_id": user_id, "password_hash": password_hash}
