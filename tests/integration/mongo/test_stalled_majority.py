"""A majority that falls silent, and later takes what was written meanwhile after all."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.mongo.entries import ADA, BOB, created, entry
from tests.servers.mongod import ReplicaSet
from tests.waiting import until
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import DeviceId, GrantId, RoomId, random_id
from whatchat.domain.ports.account_store import DeviceRecord, Grant
from whatchat.domain.times import utc_now

SILENT_SECONDS = 3.0
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[ReplicaSet]:
    """A replica set of three."""
    replica_set = ReplicaSet(tmp_path, nodes=3)
    replica_set.start()
    yield replica_set
    replica_set.stop()


@pytest.fixture
async def store(trio: ReplicaSet) -> AsyncIterator[MongoStore]:
    """An opened, migrated store on it."""
    store = MongoStore(trio.url("test"))
    await store.open()
    await store.migrate()
    yield store
    await store.close()


def replicate(trio: ReplicaSet, *, goes_on: bool) -> None:
    for node in trio.secondaries():
        node.command(
            "configureFailPoint", "stopReplProducer", mode="off" if goes_on else "alwaysOn"
        )


async def sign_in(store: MongoStore) -> DeviceRecord:
    now = utc_now()
    device = DeviceRecord(
        device_id=DeviceId("phone"), user_id=ADA, name="Phone", created_at=now, last_seen_at=now
    )
    expiry = now + timedelta(days=1)
    grant = Grant(grant_id=GrantId("grant"), token_hash=b"token", expires_at=expiry)
    await store.accounts.sign_in(device, grant)
    return device


async def test_what_is_polled_by_time_waits_for_the_majority(
    trio: ReplicaSet, store: MongoStore
) -> None:
    """Else a removal or revocation that shows up late is passed over on every other pod."""
    device = await sign_in(store)
    room_id = RoomId(random_id())
    await asyncio.to_thread(replicate, trio, goes_on=False)
    silent_since = utc_now()
    writes = asyncio.gather(
        store.accounts.sign_out(ADA, [device.device_id]),
        store.messages.append([entry(room_id, 1, created(ADA, BOB))]),
        return_exceptions=True,
    )
    await asyncio.sleep(SILENT_SECONDS)
    revoked = await store.accounts.revoked_since(None)
    changed = await store.rooms.changed_since(silent_since - A_SECOND, limit=10)
    assert (revoked.grant_ids, changed.changes) == ((), ())
    assert max(revoked.read_at, changed.read_at) <= silent_since + 2 * A_SECOND

    await asyncio.to_thread(replicate, trio, goes_on=True)
    for outcome in await writes:
        assert not isinstance(outcome, Exception) or isinstance(outcome, Unavailable)

    async def shows_up() -> bool:
        later = await store.accounts.revoked_since(revoked.read_at - A_SECOND)
        changes = await store.rooms.changed_since(changed.read_at, limit=10)
        return bool(later.grant_ids and changes.changes)

    await until(shows_up)
