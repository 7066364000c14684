"""Who is banned or signed out everywhere, in MongoDB's accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.sign_ins import SignIns
from whatchat.adapters.mongo.snapshots import read_since
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import UserId
from whatchat.domain.ports.account_store import ExcludedAccounts, Exclusion, SignedOut

Stages = Sequence[Mapping[str, Any]]

_FIELDS: Final = ("banned_at", "signed_out_at", "excluded_at")
_NOW: Final = {"$max": ["$$NOW", {"$add": ["$excluded_at", 1]}]}
"""The time, but after what changed before, also when another server's clock is behind."""

_SIGNED_OUT: Final[Stages] = [{"$set": {"signed_out_at": _NOW, "excluded_at": _NOW}}]
_LIFTED: Final[Stages] = [
    {"$set": {"excluded_at": _NOW}},
    {"$unset": ["banned_at", "ban_reason"]},
]


class Exclusions:
    """What bars people from signing in, and signs them out; errors are the driver's."""

    def __init__(self, database: MongoDatabase, sign_ins: SignIns) -> None:
        self._database = database
        self._sign_ins = sign_ins

    async def sign_out(self, user_id: UserId) -> SignedOut:
        """End all grants."""
        return await self._end_all(user_id, _SIGNED_OUT)

    async def ban(self, user_id: UserId, reason: str | None) -> SignedOut:
        """Bar the user, who is signed out by it; one that is barred stays as it is."""
        return await self._end_all(user_id, _barring(reason))

    async def unban(self, user_id: UserId) -> Exclusion | None:
        """Lift the ban, if there is one."""
        accounts = self._database.majority.accounts
        key: Document = {"_id": user_id}
        lifted = await accounts.find_one_and_update(
            {**key, "banned_at": {"$exists": True}}, _LIFTED, return_document=ReturnDocument.AFTER
        )
        if lifted is not None:
            return _exclusion(lifted)
        found = await accounts.find_one(key)
        if found is None:
            raise NotFound
        if "banned_at" in found:
            raise Unavailable  # it was lifted, but no majority has that yet
        return None

    async def since(self, moment: datetime) -> ExcludedAccounts:
        """The exclusions that changed since a moment, and the server's time."""
        changes: dict[UserId, Exclusion] = {}
        while True:
            found, read_at = await read_since(
                self._database, "accounts", "excluded_at", moment, only=_FIELDS
            )
            for one in map(_exclusion, found):
                # What changed between two pages comes again, at its place in the order.
                changes.pop(one.user_id, None)
                changes[one.user_id] = one
            if not found or found[-1]["excluded_at"] <= moment:
                return ExcludedAccounts(changes=tuple(changes.values()), read_at=read_at)
            moment = found[-1]["excluded_at"]

    async def _end_all(self, user_id: UserId, change: Stages) -> SignedOut:
        async def work(session: AsyncClientSession) -> SignedOut:
            account = await self._database.majority.accounts.find_one_and_update(
                {"_id": user_id}, change, return_document=ReturnDocument.AFTER, session=session
            )
            if account is None:
                raise NotFound
            ended = await self._sign_ins.end_within({"user_id": user_id}, session)
            return SignedOut(exclusion=_exclusion(account), grant_ids=tuple(ended))

        return await self._sign_ins.together(work)


def _barring(reason: str | None) -> Stages:
    """The update that bans, or changes nothing if that has happened."""
    is_new = {"$not": ["$banned_at"]}
    given = "$$REMOVE" if reason is None else {"$literal": reason}
    return [
        {
            "$set": {
                "banned_at": {"$cond": [is_new, _NOW, "$banned_at"]},
                "ban_reason": {"$cond": [is_new, given, "$ban_reason"]},
                "signed_out_at": {"$cond": [is_new, _NOW, "$signed_out_at"]},
                "excluded_at": {"$cond": [is_new, _NOW, "$excluded_at"]},
            }
        }
    ]


def _exclusion(document: Document) -> Exclusion:
    return Exclusion(
        user_id=document["_id"],
        is_banned="banned_at" in document,
        signed_out_at=document["signed_out_at"],
        changed_at=document["excluded_at"],
    )
