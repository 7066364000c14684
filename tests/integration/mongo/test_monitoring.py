"""What is told of how long MongoDB takes."""

import asyncio
from collections.abc import AsyncIterator

import pymongo
import pytest

from tests.integration.mongo.entries import ADA, BOB, created, entry
from whatchat.adapters.mongo.monitoring import OPERATIONS
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import RoomId, random_id
from whatchat.observability.metrics import Metrics, declarations


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def measured(mongo_url: str, metrics: Metrics) -> AsyncIterator[MongoStore]:
    """A store that tells how long it takes."""
    store = MongoStore(mongo_url, metrics=metrics)
    await store.open()
    await store.migrate()
    yield store
    await store.close()


def value(metrics: Metrics, name: str, **labels: str) -> float:
    metrics.refresh()
    return metrics.registry.get_sample_value(f"whatchat_{name}", labels) or 0


async def test_commands_are_timed_by_name(measured: MongoStore, metrics: Metrics) -> None:
    before = value(metrics, "store_seconds_count", operation="insert")
    waits = value(metrics, "store_wait_seconds_count")
    await measured.messages.append([entry(RoomId(random_id()), 1, created(ADA, BOB))])
    assert value(metrics, "store_seconds_count", operation="insert") > before
    assert value(metrics, "store_wait_seconds_count") > waits
    assert value(metrics, "store_seconds_sum", operation="insert") > 0
    assert value(metrics, "store_seconds_count", operation="other") == 0


async def test_connections_are_counted(measured: MongoStore, metrics: Metrics) -> None:
    await asyncio.gather(*(measured.ping() for _ in range(5)))
    assert value(metrics, "store_connections", state="in_use") == 0
    idle = value(metrics, "store_connections", state="idle")
    assert idle >= 1
    asking = [asyncio.ensure_future(measured.ping()) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    in_use = value(metrics, "store_connections", state="in_use")
    await asyncio.gather(*asking)
    assert in_use >= 1
    await measured.close()
    assert value(metrics, "store_connections", state="idle") == 0


async def test_a_change_stream_that_waits_is_no_slow_page(
    measured: MongoStore, metrics: Metrics
) -> None:
    await measured.messages.append([entry(RoomId(random_id()), 1, created(ADA, BOB))])
    position: bytes | None = None
    while found := await measured.feed.read(position):
        position = found[-1].position
    assert value(metrics, "store_seconds_count", operation="watch") >= 2
    assert value(metrics, "store_seconds_sum", operation="watch") >= 0.9
    assert value(metrics, "store_seconds_count", operation="getMore") == 0


async def test_further_pages_are_timed(measured: MongoStore, metrics: Metrics) -> None:
    room_id = RoomId(random_id())
    await measured.messages.append([entry(room_id, 1, created(ADA, BOB))])
    log = measured._database.majority.log
    rest = [{"room_id": room_id, "rev": rev, "client_id": f"{rev}"} for rev in range(2, 11)]
    await log.insert_many(rest)
    with pymongo.timeout(5):
        await log.find({}, batch_size=4).to_list()
    assert value(metrics, "store_seconds_count", operation="getMore") >= 2


async def test_what_the_server_fails_is_counted_and_a_taken_name_is_not(
    measured: MongoStore, metrics: Metrics
) -> None:
    client = measured._database.client
    assert await measured.acquire("a lease", "one", seconds=5)
    assert not await measured.acquire("a lease", "other", seconds=5)
    assert value(metrics, "store_failures_total", operation="findAndModify") == 0
    with pytest.raises(Exception, match="no such command"):
        await client.admin.command("whatever-comes")
    assert value(metrics, "store_failures_total", operation="other") == 1
    assert value(metrics, "store_seconds_count", operation="other") == 1


def test_there_is_room_for_all_operations() -> None:
    (most,) = (
        declared.labels["operation"]
        for attribute, declared in declarations()
        if attribute == "store_seconds"
    )
    # Beside the driver's: watch, other, checkout, and SQLite's read and commit on another node.
    assert len(OPERATIONS) + 3 <= most
