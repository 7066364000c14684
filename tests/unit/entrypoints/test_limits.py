"""What commands are charged, by whom, from where and how large they are."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.audit.stores import trail_into_memory
from tests.unit.entrypoints.toys import actor
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Record
from whatchat.domain.errors import RateLimited
from whatchat.domain.ids import DeviceId, UserId
from whatchat.entrypoints.limit_hits import LimitHits
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.quotas import (
    NETWORK_QUOTAS,
    QUOTAS,
    USER_QUOTAS,
    charges_of,
    weight,
)
from whatchat.observability.metrics import Metrics

VISITOR = Visitor(address="192.0.2.7")
BURST = QUOTAS["message"].burst


class House:
    """Pods that share a limiter whose clock stands still, and what their audit trail told."""

    def __init__(self) -> None:
        self.limiter = EmbeddedLimiter(lambda: 1.0)
        self.metrics = Metrics()
        self.told: list[Record] = []

    def pod(self) -> Limits:
        trail = trail_into_memory()
        trail.listen(self._hear)
        return Limits(self.limiter, self.metrics, trail)

    def _hear(self, records: Sequence[Record]) -> None:
        self.told += records

    def hits(self) -> list[tuple[str | None, int]]:
        return [(record.act.detail, record.act.count) for record in self.told]


@pytest.fixture
def house() -> House:
    return House()


def on(device: str, user: str = "alice", address: str = "192.0.2.1") -> Actor:
    known = actor(address=address)
    return replace(known, user_id=UserId(user), device_id=DeviceId(device))


async def spend(limits: Limits, caller: Actor | Visitor, units: int) -> int:
    """Charge messages of so many units in all; says how many were taken."""
    taken = 0
    for _ in range(units):
        try:
            await limits.charge("message", caller)
        except RateLimited:
            break
        taken += 1
    return taken


@pytest.mark.parametrize(
    ("fields", "units"),
    [
        ({}, 1),
        (None, 1),
        ({"content": "x" * 20}, 1),
        ({"content": "x" * 1023}, 1),
        ({"content": "x" * 1024}, 2),
        ({"content": "x" * 16_384}, 17),
        ({"content": "\N{GRINNING FACE}" * 4096}, 17),
        ({"content": "\ud800" * 1024}, 4),
        ({"a": "x" * 600, "b": "y" * 600}, 2),
        ({"userIds": ["u"] * 49}, 1),
        ({"userIds": ["u"] * 500}, 11),
        ({"cursors": dict.fromkeys(map(str, range(1000)), 1)}, 21),
        ({"seq": 5, "only": True, "nothing": None}, 1),
        ("x" * 10_240, 11),
        ([0] * 500, 11),
    ],
)
def test_what_is_large_costs_more(fields: Any, units: int) -> None:
    assert weight(fields) == units


async def test_a_large_message_uses_the_quota_up_sooner(house: House) -> None:
    limits, large = house.pod(), {"content": "x" * 16_384}
    for _ in range(BURST // 17):
        await limits.charge("message", on("phone"), large)
    with pytest.raises(RateLimited) as error:
        await limits.charge("message", on("phone"), large)
    left = BURST % 17
    rate = QUOTAS["message"].rate
    assert error.value.retry_after_ms == pytest.approx((17 - left) / rate * 1000, abs=1)
    assert await spend(limits, on("phone"), 100) == left


async def test_many_devices_are_one_user(house: House) -> None:
    limits = house.pod()
    taken = [await spend(limits, on(f"device-{number}"), BURST + 1) for number in range(4)]
    assert taken == [BURST, USER_QUOTAS["message"].burst - BURST, 0, 0]


async def test_many_pods_are_one_quota(house: House) -> None:
    pods = [house.pod() for _ in range(5)]
    taken = [await spend(pod, on("phone"), BURST // 2) for pod in pods]
    assert taken == [BURST // 2] * 2 + [0] * 3


async def test_many_users_are_one_network_which_is_large(house: House) -> None:
    limits, burst = house.pod(), NETWORK_QUOTAS["query"].burst
    users, left = 0, burst
    while left > 0 and users < 100:
        each = QUOTAS["query"].burst
        for _ in range(each):
            try:
                await limits.charge("query", on("phone", user=f"user-{users}"))
            except RateLimited:
                break
            left -= 1
        users += 1
    assert left == 0
    assert users == 50
    with pytest.raises(RateLimited):
        await limits.charge("query", on("phone", user="latecomer"))
    await limits.charge("query", on("phone", user="elsewhere", address="192.0.2.2"))
    assert house.hits() == [("query:network", 1)]


async def test_one_class_leaves_the_others_alone(house: House) -> None:
    limits = house.pod()
    assert await spend(limits, on("phone"), BURST + 1) == BURST
    await limits.charge("query", on("phone"))


def test_visitors_are_charged_by_network_and_apart_from_who_is_signed_in() -> None:
    (one,), (other,), (far,) = (
        charges_of("sign_in", Visitor(address=address), 1)
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    )
    assert one == other != far
    (visitor,) = charges_of("sign_in", Visitor(address="192.0.2.1"), 1)
    assert (visitor.owner, visitor.key) == ("network:192.0.2.1", "sign_in:visitor")
    assert visitor.quota == QUOTAS["sign_in"]
    mapped = charges_of("sign_in", Visitor(address="::ffff:192.0.2.1"), 1)
    assert mapped == (visitor,)
    names = {(charge.owner, charge.key) for charge in charges_of("sign_in", on("phone"), 1)}
    assert len(names) == 3
    assert (visitor.owner, visitor.key) not in names


@pytest.mark.parametrize("address", ["unknown", "", "{user:alice}", "1.2.3.4\n"])
def test_what_is_no_address_is_one_network(address: str) -> None:
    (charge,) = charges_of("sign_in", Visitor(address=address), 1)
    assert charge.owner == "network:unknown"


async def test_the_first_hit_is_told_at_once_and_more_of_the_same_together(house: House) -> None:
    limits = house.pod()
    for _ in range(QUOTAS["query"].burst):
        await limits.charge("query", on("phone"))
    for _ in range(7):
        with pytest.raises(RateLimited):
            await limits.charge("query", on("phone"))
    assert house.hits() == [("query:device", 1)]
    limits.close()
    limits.close()
    assert house.hits() == [("query:device", 1), ("query:device", 6)]
    first = house.told[0]
    assert (first.act.kind, first.act.outcome) == ("limit.hit", "rate_limited")
    assert (first.actor.user_id, first.actor.device_id) == ("alice", "phone")
    verdict = house.metrics.registry.get_sample_value
    counted = {
        outcome: verdict("whatchat_limiter_verdicts_total", {"class": "query", "verdict": outcome})
        for outcome in ("allowed", "refused")
    }
    assert counted == {"allowed": QUOTAS["query"].burst, "refused": 7}


async def test_what_came_to_a_minute_is_told_when_it_is_over(house: House) -> None:
    trail = trail_into_memory()
    trail.listen(house._hear)
    hits = LimitHits(trail, seconds=0.02)
    assert hits.note("message", VISITOR)
    hits.tell("message", VISITOR, "network")
    assert not hits.note("message", VISITOR)
    assert not hits.note("message", Visitor(address=VISITOR.address))
    await asyncio.sleep(0.05)
    assert house.hits() == [("message:network", 1), ("message:network", 2)]
    assert hits.note("message", VISITOR)
    await asyncio.sleep(0.05)
    assert len(house.told) == 2  # nothing more of it came


@pytest.mark.parametrize("cost", ["receipt", "typing"])
async def test_what_comes_often_is_charged_without_asking_anybody(cost: Any) -> None:
    limits = Limits(EmbeddedLimiter(_no_clock), Metrics(), trail_into_memory())
    for _ in range(USER_QUOTAS["typing"].burst):
        await limits.charge(cost, on("phone"))


def _no_clock() -> float:
    raise AssertionError("the limiter was asked")
