"""Which device is signed in by which grant; what has to change together is one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from whatchat.adapters.mongo.account_documents import (
    SIGNED_OUT,
    device_key,
    device_of,
    keeping_signed_in,
    rotating,
    signing_in,
)
from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.snapshots import read_since
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.account_store import DeviceRecord, Grant, Kept, Revoked, Rotation

T = TypeVar("T")

_ON_DISKS = WriteConcern("majority", j=True)


class SignIns:
    """Devices, their grants and the grants that ended; errors are the driver's."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def put(self, device: DeviceRecord, grant: Grant) -> GrantId | None:
        """Put a grant in force; the one that it replaces, if any, is revoked.

        The account is written to, so that of a sign-in and a ban (or a change of password) at
        the same time one is made after the other.
        """

        async def work(session: AsyncClientSession) -> GrantId | None:
            await self._require_welcome(device.user_id, grant, session)
            before = await self._database.majority.devices.find_one_and_update(
                {"_id": device_key(device.user_id, device.device_id)},
                signing_in(device, grant),
                upsert=True,
                session=session,
            )
            if before is None or "grant_id" not in before:
                return None
            await self._note_revoked([before["grant_id"]], session)
            return GrantId(before["grant_id"])

        return await self.together(work)

    async def keep(self, device: DeviceRecord, grant: Grant) -> Kept:
        """Put a device's only grant in force, or prolong it unless it has ended."""
        key = {"_id": device_key(device.user_id, device.device_id)}

        async def work(session: AsyncClientSession) -> Kept:
            await self._require_welcome(device.user_id, grant, session)
            devices = self._database.majority.devices
            before = await devices.find_one(key, {"grant_id": 1}, session=session)
            if before is not None and before.get("grant_id") != grant.grant_id:
                return "ended"
            changes = keeping_signed_in(device, grant)
            await devices.update_one(key, changes, upsert=True, session=session)
            return "begun" if before is None else "prolonged"

        return await self.together(work)

    async def end(self, user_id: UserId, device_ids: Sequence[DeviceId]) -> list[GrantId]:
        """Revoke the grants of these devices of a user."""
        match = {"user_id": user_id, "device_id": {"$in": list(device_ids)}}
        return await self.together(lambda session: self.end_within(match, session))

    async def end_others(
        self, account: Document, changed: Document, user_id: UserId, keep: DeviceId
    ) -> list[GrantId] | None:
        """Change the account and revoke the grants of all devices but ``keep``.

        ``None``, and nothing done, if the account is not as ``account`` says.
        """

        async def work(session: AsyncClientSession) -> list[GrantId] | None:
            accounts = self._database.majority.accounts
            result = await accounts.update_one(account, {"$set": changed}, session=session)
            if not result.matched_count:
                return None
            others = {"user_id": user_id, "device_id": {"$ne": keep}}
            return await self.end_within(others, session)

        return await self.together(work)

    async def rotate(
        self,
        token_hash: bytes,
        nonce_hash: bytes,
        successor: Grant,
        now: datetime,
        grace: timedelta,
    ) -> Rotation:
        """Exchange a refresh token, or find out what its second use means."""
        in_force = {"grant_id": successor.grant_id, "expires_at": {"$gt": now}}
        oldest = now - grace
        device = await self._database.majority.devices.find_one_and_update(
            {**in_force, "token_hash": token_hash},
            rotating(token_hash, nonce_hash, successor, now, oldest),
            return_document=ReturnDocument.AFTER,
        )
        if device:
            return Rotation(verdict="rotated", device=device_of(device), at=device["last_seen_at"])
        repeated = {"token_hash": token_hash, "nonce_hash": nonce_hash}
        return await self.together(
            lambda session: self._used_again(in_force, repeated, oldest, session)
        )

    async def revoked_since(self, moment: datetime) -> Revoked:
        """The grants that ended since a moment, and the server's time."""
        revoked, read_at = await read_since(self._database, "revocations", "revoked_at", moment)
        return Revoked(grant_ids=tuple(one["_id"] for one in revoked), read_at=read_at)

    async def together(self, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction, again where another one was in its way.

        What it read is, like what it wrote, a majority's before this returns.
        """
        async with self._database.client.start_session() as session:
            return await session.with_transaction(
                work, read_concern=ReadConcern("snapshot"), write_concern=_ON_DISKS
            )

    async def _used_again(
        self, in_force: Document, repeated: Document, oldest: datetime, session: AsyncClientSession
    ) -> Rotation:
        device = await self._database.majority.devices.find_one(in_force, session=session)
        if device is None:
            return Rotation(verdict="unknown")
        for earlier in device["rotations"]:
            if earlier["at"] >= oldest and repeated.items() <= earlier.items():
                return Rotation(verdict="repeated", device=device_of(device), at=earlier["at"])
        await self.end_within(in_force, session)
        return Rotation(verdict="reused", device=device_of(device))

    async def _require_welcome(
        self, user_id: UserId, grant: Grant, session: AsyncClientSession
    ) -> None:
        """Refuse who is banned, and be in the way of a ban at the same time."""
        account = await self._database.majority.accounts.find_one_and_update(
            {"_id": user_id},
            {"$set": {"signed_in_by": grant.grant_id}},
            {"banned_at": 1},
            session=session,
        )
        if account and "banned_at" in account:
            raise Unauthenticated

    async def end_within(self, match: Document, session: AsyncClientSession) -> list[GrantId]:
        """Revoke the grants of the devices that match, in a transaction of the caller's."""
        devices = self._database.majority.devices
        signed_in = {"grant_id": {"$exists": True}, **match}
        found = await devices.find(signed_in, {"grant_id": 1}, session=session).to_list()
        ended = [GrantId(one["grant_id"]) for one in found]
        if ended:
            keys = {"_id": {"$in": [one["_id"] for one in found]}}
            await devices.update_many(keys, {"$unset": SIGNED_OUT}, session=session)
            await self._note_revoked(ended, session)
        return ended

    async def _note_revoked(
        self, grant_ids: Sequence[GrantId], session: AsyncClientSession
    ) -> None:
        """Enter what ended, with the server's time, which an insert could not have."""
        for grant_id in grant_ids:
            await self._database.majority.revocations.update_one(
                {"_id": grant_id},
                [{"$set": {"revoked_at": "$$NOW"}}],
                upsert=True,
                session=session,
            )
