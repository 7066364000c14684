"""How people, devices and sign-ins lie in MongoDB's collections.

A device's document holds its sign-in, if it has one, and the exchanges of refresh tokens
that may still be repeated.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from whatchat.adapters.mongo.account_names import named
from whatchat.adapters.mongo.collections import Document
from whatchat.domain.ids import DeviceId, UserId
from whatchat.domain.ports.account_store import Account, DeviceRecord, Grant

DEVICES_KEPT: Final = timedelta(days=90)

SIGNED_OUT: Final = {"grant_id": "", "token_hash": "", "expires_at": ""}


def account_document(account: Account) -> Document:
    """An account as it is kept."""
    return {
        "_id": account.user_id,
        "username": account.username,
        **named(account.display_name),
        "password_hash": account.password_hash,
        "created_at": account.created_at,
        "presence": account.presence,
        "read_receipts": account.read_receipts,
    }


def account_of(document: Document) -> Account:
    """The account in a document."""
    return Account(
        user_id=document["_id"],
        username=document["username"],
        display_name=document["display_name"],
        password_hash=document["password_hash"],
        created_at=document["created_at"],
        presence=document["presence"],
        read_receipts=document["read_receipts"],
        banned_at=document.get("banned_at"),
        ban_reason=document.get("ban_reason"),
    )


def device_key(user_id: UserId, device_id: DeviceId) -> str:
    """The ``_id`` of a user's device."""
    return f"{user_id}:{device_id}"


def device_of(document: Document) -> DeviceRecord:
    """The device in a document."""
    return DeviceRecord(
        device_id=document["device_id"],
        user_id=document["user_id"],
        name=document["name"],
        created_at=document["created_at"],
        last_seen_at=document["last_seen_at"],
    )


def signing_in(device: DeviceRecord, grant: Grant) -> Document:
    """The update that puts a grant in force on a device, known before or new."""
    return {
        "$set": {
            "user_id": device.user_id,
            "device_id": device.device_id,
            "name": device.name,
            "last_seen_at": device.last_seen_at,
            "grant_id": grant.grant_id,
            "token_hash": grant.token_hash,
            "expires_at": grant.expires_at,
            "forget_at": _forget_at(device.last_seen_at, grant),
            "rotations": [],
        },
        "$setOnInsert": {"created_at": device.created_at},
    }


def keeping_signed_in(device: DeviceRecord, grant: Grant) -> Document:
    """The update that puts a device's only grant in force, or prolongs it."""
    return {
        "$set": {
            "user_id": device.user_id,
            "device_id": device.device_id,
            "grant_id": grant.grant_id,
            "token_hash": grant.token_hash,
        },
        "$max": {
            "last_seen_at": device.last_seen_at,
            "expires_at": grant.expires_at,
            "forget_at": _forget_at(device.last_seen_at, grant),
        },
        "$setOnInsert": {"name": device.name, "created_at": device.created_at, "rotations": []},
    }


def rotating(
    token_hash: bytes, nonce_hash: bytes, successor: Grant, now: datetime, oldest: datetime
) -> list[dict[str, Any]]:
    """The update that exchanges a token, and forgets exchanges from before ``oldest``."""
    recent = {"$filter": {"input": "$rotations", "cond": {"$gte": ["$$this.at", oldest]}}}
    rotation = {"token_hash": token_hash, "nonce_hash": nonce_hash, "at": now}
    return [
        {
            "$set": {
                "token_hash": successor.token_hash,
                "expires_at": successor.expires_at,
                "last_seen_at": now,
                "forget_at": _forget_at(now, successor),
                "rotations": {"$concatArrays": [recent, [rotation]]},
            }
        }
    ]


def _forget_at(seen_at: datetime, grant: Grant) -> datetime:
    """When a device may be forgotten: long unseen, and no longer signed in."""
    return max(seen_at + DEVICES_KEPT, grant.expires_at)
