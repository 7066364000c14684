import asyncio
from collections.abc import AsyncIterator

import pytest

from whatchat.adapters.embedded.store import SqliteStore
from whatchat.entrypoints import pod_lease
from whatchat.entrypoints.pod_lease import PodLease


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    store = SqliteStore(":memory:")
    await store.open()
    await store.migrate()
    yield store
    await store.close()


async def test_one_pod_holds_the_store(store: SqliteStore) -> None:
    assert await PodLease(store, "a", patience_seconds=0).acquire()
    assert not await PodLease(store, "b", patience_seconds=0.3).acquire()
    assert await PodLease(store, "a", patience_seconds=0).acquire()


async def test_the_next_pod_comes_in_at_once_when_the_last_one_goes(store: SqliteStore) -> None:
    first = PodLease(store, "a")
    assert await first.acquire()
    await first.release()
    assert await PodLease(store, "b", patience_seconds=0).acquire()


async def test_patience_outlasts_a_pod_that_died(store: SqliteStore) -> None:
    assert await store.acquire(pod_lease.SOLE_POD, "dead", seconds=1)
    assert await PodLease(store, "b", patience_seconds=2).acquire()


async def test_a_pod_that_lost_its_lease_is_told(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_lease, "RENEWAL_SECONDS", 0.01)
    lease, lost = PodLease(store, "a"), asyncio.Event()
    assert await lease.acquire()
    await lease.release()
    assert await store.acquire(pod_lease.SOLE_POD, "b", seconds=60)
    keeping = asyncio.create_task(lease.keep(lost.set))
    await asyncio.wait_for(lost.wait(), 2)
    await keeping


async def test_a_store_that_is_away_does_not_end_the_keeping(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_lease, "RENEWAL_SECONDS", 0.01)
    lease, lost = PodLease(store, "a"), asyncio.Event()
    await store.close()
    keeping = asyncio.create_task(lease.keep(lost.set))
    await asyncio.sleep(0.05)
    assert not keeping.done()
    assert not lost.is_set()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await lease.release()


async def test_a_lease_that_is_kept_does_not_end(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_lease, "RENEWAL_SECONDS", 0.2)
    monkeypatch.setattr(pod_lease, "LEASE_SECONDS", 1)
    lease, lost = PodLease(store, "a"), asyncio.Event()
    assert await lease.acquire()
    keeping = asyncio.create_task(lease.keep(lost.set))
    assert not await PodLease(store, "b", patience_seconds=1.5).acquire()
    assert not lost.is_set()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize(("mine", "others"), [("pod", "pod/"), ("pod/me", "pod")])
async def test_a_pod_alone_and_pods_with_a_broker_do_not_share_a_store(
    store: SqliteStore, mine: str, others: str
) -> None:
    lease = PodLease(store, "me", lease=mine, patience_seconds=0.3)
    assert await lease.acquire()
    assert await lease.is_without(others)
    other = PodLease(store, "another", lease="pod/another" if others == "pod/" else "pod")
    assert await other.acquire()
    assert not await lease.is_without(others)
    await other.release()
    assert await lease.is_without(others)


async def test_pods_with_a_broker_do_not_mind_each_other(store: SqliteStore) -> None:
    for name in ("one", "two"):
        lease = PodLease(store, name, lease=f"pod/{name}", patience_seconds=0)
        assert await lease.acquire()
        assert await lease.is_without("pod")


async def test_a_pod_that_leaves_something_to_others_lets_its_lease_end(
    store: SqliteStore,
) -> None:
    lease = PodLease(store, "me", lease="pod/me", patience_seconds=0)
    assert await lease.acquire()
    lease.leave()
    await lease.release()
    assert [one.name for one in await store.leases("pod/")] == ["pod/me"]
