"""Accounts and devices as their owners see them."""

from whatchat.domain.ids import DeviceId
from whatchat.domain.models import Device, Profile
from whatchat.domain.ports.account_store import Account, DeviceRecord
from whatchat.domain.times import timestamp


def device_view(record: DeviceRecord, current: DeviceId) -> Device:
    """A device; ``current`` is the caller's own."""
    return Device(
        id=record.device_id,
        name=record.name,
        created_at=timestamp(record.created_at),
        last_seen_at=timestamp(record.last_seen_at),
        current=record.device_id == current,
    )


def profile_view(account: Account) -> Profile:
    """What somebody sees of the own account."""
    return Profile(
        id=account.user_id,
        username=account.username,
        display_name=account.display_name,
        presence=account.presence,
        read_receipts=account.read_receipts,
    )
