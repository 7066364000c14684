"""Sign-ins in SQLite, where they differ from other stores."""

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from whatchat.adapters.embedded.account_rows import DEVICES_KEPT
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.account_store import Account, DeviceRecord, Grant
from whatchat.domain.times import utc_now

NOW = utc_now()
ADA = UserId("ada")


def device(name: str) -> tuple[DeviceRecord, Grant]:
    record = DeviceRecord(
        device_id=DeviceId(name), user_id=ADA, name=name, created_at=NOW, last_seen_at=NOW
    )
    ends = NOW + timedelta(days=30)
    return record, Grant(grant_id=GrantId(name), token_hash=b"", expires_at=ends)


async def test_an_issuers_sign_in_ends_again_after_its_device_was_forgotten(tmp_path: Path) -> None:
    """Nobody else signed out in between, which would have made room for it."""
    store = SqliteStore(str(tmp_path / "whatchat.db"))
    await store.open()
    await store.migrate()
    accounts = store.accounts
    await accounts.add(
        Account(
            user_id=ADA,
            username="ada",
            display_name="ada",
            password_hash="",
            created_at=NOW,
        )
    )
    phone, its = device("phone")
    await accounts.keep_signed_in(phone, its)
    await accounts.sign_out(ADA, [phone.device_id])
    laptop, another = device("laptop")
    much_later = NOW + DEVICES_KEPT + timedelta(days=1)
    await accounts.sign_in(replace(laptop, last_seen_at=much_later), another)
    assert await accounts.keep_signed_in(phone, its) == "begun"
    assert await accounts.sign_out(ADA, [phone.device_id]) == [its.grant_id]
    assert (await accounts.revoked_since(None)).grant_ids == (its.grant_id,)
    await store.close()
