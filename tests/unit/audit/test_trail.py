"""Acts become durable records: in time, in few writes, and never without bound."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.unit.audit.stores import AuditStoreAtWill
from tests.waiting import until
from whatchat.audit import trail as trails
from whatchat.audit import writing
from whatchat.audit.trail import Trail
from whatchat.domain.audit import SERVER, Act, Party, Record
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, UserId
from whatchat.observability.metrics import Metrics
from whatchat.observability.tracing import trace

EVE = Party(role="visitor", address="192.0.2.7")
SIGN_IN = Act(kind="sign_in", outcome="unauthenticated")


@pytest.fixture
async def store() -> AuditStoreAtWill:
    return AuditStoreAtWill()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def trail(store: AuditStoreAtWill, metrics: Metrics) -> AsyncIterator[Trail]:
    trail = Trail("pod-1", store, metrics)
    yield trail
    store.taking.set()
    store.is_away = False
    await trail.stop()


def fields(store: AuditStoreAtWill) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in store.added]


def numbered(number: int) -> Act:
    return Act(kind="room.joined", room_id=RoomId(f"room-{number}"))


async def asked(store: AuditStoreAtWill, times: int) -> None:
    await until(lambda: store.begun >= times)


async def test_a_record_is_durable_on_return(store: AuditStoreAtWill, trail: Trail) -> None:
    store.taking.clear()
    with trace() as trace_id:
        recording = asyncio.create_task(trail.record(SERVER, numbered(1), numbered(2)))
        await asked(store, 1)
    assert not recording.done()
    store.taking.set()
    await recording
    first, second = fields(store)
    assert first["act"] == {"kind": "room.joined", "roomId": "room-1"}
    assert second["act"] == {"kind": "room.joined", "roomId": "room-2"}
    assert first["pod"] == second["pod"] == "pod-1"
    assert first["traceId"] == second["traceId"] == trace_id
    assert first["id"] == store.added[0].record_id != second["id"]
    await trail.record(SERVER)
    assert len(store.writes) == 1


async def test_what_queues_up_behind_a_write_shares_the_next(
    store: AuditStoreAtWill, trail: Trail
) -> None:
    store.taking.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(trail.record(SERVER, numbered(0)))
        await asked(store, 1)
        for number in range(1, 1201):
            group.create_task(trail.record(SERVER, numbered(number)))
        await asyncio.sleep(0)
        assert store.begun == 1, "one write is under way at a time"
        store.taking.set()
    assert [len(write) for write in store.writes] == [1, 500, 500, 200]
    rooms = [one["act"]["roomId"] for one in fields(store)]
    assert rooms == [f"room-{number}" for number in range(1201)]


async def test_nobody_waits_for_what_is_mentioned(store: AuditStoreAtWill, trail: Trail) -> None:
    store.taking.clear()
    trail.mention(EVE, SIGN_IN)
    await asked(store, 1)
    store.taking.set()
    await until(lambda: bool(store.writes))
    assert fields(store)[0]["actor"] == {"address": "192.0.2.7", "role": "visitor"}


async def test_alike_mentions_become_one_record_with_their_count(
    store: AuditStoreAtWill, metrics: Metrics
) -> None:
    trail = Trail("pod-1", store, metrics, merge_seconds=0.2)
    other = Party(role="visitor", address="192.0.2.8")
    for _ in range(50):
        trail.mention(EVE, SIGN_IN)
        trail.mention(other, SIGN_IN)
    trail.mention(EVE, Act(kind="sign_in", outcome="unauthenticated", user_id=UserId("ada")))
    trail.mention(EVE, Act(kind="sign_in", outcome="rate_limited"))
    trail.mention(EVE, Act(kind="limit.hit", detail="login"))
    await until(lambda: len(store.added) == 5)
    assert all("count" not in one["act"] for one in fields(store)), "the first of each is at once"
    trail.mention(EVE, Act(kind="limit.hit", detail="login", count=4))
    await until(lambda: len(store.added) == 8)
    merged = {
        (one["actor"]["address"], one["act"]["kind"]): one["act"].get("count")
        for one in fields(store)[5:]
    }
    assert merged == {
        ("192.0.2.7", "sign_in"): 49,
        ("192.0.2.8", "sign_in"): 49,
        ("192.0.2.7", "limit.hit"): 4,
    }
    trail.mention(EVE, SIGN_IN)
    await trail.stop()
    assert [one["act"].get("count") for one in fields(store)[8:]] == [None]


async def test_a_visitor_with_many_addresses_is_one(
    store: AuditStoreAtWill, metrics: Metrics
) -> None:
    trail = Trail("pod-1", store, metrics, merge_seconds=0.2)
    for number in range(50):
        trail.mention(Party(role="visitor", address=f"2001:db8::{number:x}"), SIGN_IN)
    trail.mention(Party(role="visitor", address="2001:db8:0:1::1"), SIGN_IN)
    await trail.stop()
    told = [(one["actor"]["address"], one["act"].get("count", 1)) for one in fields(store)]
    assert told == [("2001:db8::0", 1), ("2001:db8:0:1::1", 1), ("2001:db8::31", 49)]


async def test_networks_that_the_server_speaks_of_are_told_apart(
    store: AuditStoreAtWill, metrics: Metrics
) -> None:
    trail = Trail("pod-1", store, metrics)
    networks = ["2001:db8::/64", "2001:db8:0:1::/64"]
    for network in networks:
        trail.mention(Party(role="server", address=network), Act(kind="anomaly.found"))
    await trail.stop()
    assert [one["actor"]["address"] for one in fields(store)] == networks


async def test_a_steady_flood_is_a_record_per_window(
    store: AuditStoreAtWill, metrics: Metrics
) -> None:
    trail = Trail("pod-1", store, metrics, merge_seconds=0.2)
    for _ in range(60):
        trail.mention(EVE, SIGN_IN)
        await asyncio.sleep(0.01)
    await trail.stop()
    counts = [one["act"].get("count", 1) for one in fields(store)]
    assert sum(counts) == 60
    assert counts[0] == 1
    assert 3 <= len(counts) <= 8


async def test_a_store_that_is_back_gets_what_waited(
    store: AuditStoreAtWill, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trails, "DEADLINE_SECONDS", 0.3)
    store.is_away = True
    with pytest.raises(Unavailable):
        await trail.record(SERVER, numbered(1))
    trail.mention(SERVER, numbered(2))
    assert store.added == []
    store.is_away = False
    await until(lambda: len(store.added) == 2, seconds=5)
    assert [one["act"]["roomId"] for one in fields(store)] == ["room-1", "room-2"]


async def test_whoever_gives_up_takes_no_record_back(store: AuditStoreAtWill, trail: Trail) -> None:
    store.taking.clear()
    recording = asyncio.create_task(trail.record(SERVER, numbered(1)))
    await asked(store, 1)
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    store.taking.set()
    await until(lambda: len(store.added) == 1)


async def test_above_the_bound_records_are_dropped_and_their_number_is_recorded(
    store: AuditStoreAtWill, trail: Trail, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_WAITING", 10)
    store.taking.clear()
    for number in range(10):
        trail.mention(SERVER, numbered(number))
    with pytest.raises(Unavailable):
        await trail.record(SERVER, numbered(10), numbered(11))
    trail.mention(SERVER, Act(kind="limit.hit", count=5))
    assert metrics.registry.get_sample_value("whatchat_audit_dropped_total") == 7
    store.taking.set()
    await until(lambda: len(store.added) == 11)
    assert fields(store)[-1]["act"] == {"kind": "records.dropped", "count": 7}
    await trail.record(SERVER, numbered(12))
    assert len(store.added) == 12


async def test_the_end_writes_what_waits_and_then_there_is_no_more(
    store: AuditStoreAtWill, metrics: Metrics
) -> None:
    trail = Trail("pod-1", store, metrics)
    store.taking.clear()
    for number in range(3):
        trail.mention(SERVER, numbered(number))
        trail.mention(SERVER, numbered(number))
    ending = asyncio.create_task(trail.stop())
    await asyncio.sleep(0.01)
    assert not ending.done()
    store.taking.set()
    await ending
    assert len(store.added) == 6
    with pytest.raises(Unavailable):
        await trail.record(SERVER, numbered(3))


async def test_a_store_that_never_comes_back_does_not_hold_the_end_up(
    store: AuditStoreAtWill, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FLUSH_SECONDS", 0.1)
    trail = Trail("pod-1", store, metrics)
    store.is_away = True
    trail.mention(SERVER, numbered(1))
    await asyncio.wait_for(trail.stop(), 2)
    assert store.added == []


async def test_listeners_hear_each_act_at_once_and_harm_nothing(
    store: AuditStoreAtWill, trail: Trail
) -> None:
    heard: list[Record] = []

    def broken(_records: Sequence[Record]) -> None:
        raise RuntimeError

    trail.listen(broken)
    trail.listen(heard.extend)
    store.taking.clear()
    for _ in range(3):
        trail.mention(EVE, SIGN_IN)
    recording = asyncio.create_task(trail.record(SERVER, numbered(1)))
    await asyncio.sleep(0)
    assert [one.act.kind for one in heard] == ["sign_in"] * 3 + ["room.joined"]
    store.taking.set()
    await recording
