"""Every rule: it is broken at its threshold, not below, and once while that goes on."""

import pytest
from msgspec.structs import replace

from tests.unit.anomalies.examples import (
    EVE,
    EXAMPLES,
    blocked,
    opened,
    report_by_one,
    reported,
    somebody,
)
from tests.unit.anomalies.parts import Guard
from whatchat.anomalies.rule import BadRule, Rule
from whatchat.anomalies.rules import RULES
from whatchat.domain.audit import SERVER

BY_NAME = {rule.name: rule for rule in RULES}


@pytest.fixture(params=RULES, ids=lambda rule: rule.name)
def rule(request: pytest.FixtureRequest) -> Rule:
    found: Rule = request.param
    return found


async def prepared(rule: Rule) -> Guard:
    """A guard by that rule alone; what it compares with is there."""
    guard = Guard([rule])
    if rule.share:
        await guard.see(*(opened(number) for number in range(rule.threshold)))
    return guard


async def almost(guard: Guard, rule: Rule) -> None:
    """All but the last that breaks the rule."""
    await guard.see(*(EXAMPLES[rule.name](number) for number in range(rule.sightings - 1)))


async def last(guard: Guard, rule: Rule) -> None:
    await guard.see(EXAMPLES[rule.name](rule.sightings - 1))


def test_rules_and_examples_have_the_same_names() -> None:
    assert list(EXAMPLES) == [rule.name for rule in RULES]


async def test_a_rule_is_broken_at_its_threshold_and_not_below(rule: Rule) -> None:
    guard = await prepared(rule)
    await almost(guard, rule)
    assert guard.found == []
    await last(guard, rule)
    assert guard.found == [rule.name]


async def test_what_was_before_the_window_does_not_count(rule: Rule) -> None:
    guard = await prepared(rule)
    await almost(guard, rule)
    guard.clock.now += rule.seconds
    if rule.threshold > rule.each:
        await last(guard, rule)
        assert guard.found == []


async def test_what_goes_on_is_found_once_in_a_window(rule: Rule) -> None:
    guard = await prepared(rule)
    times = min(rule.sightings, 30)
    for _ in range(2):
        await almost(guard, rule)
        for _ in range(times):
            await last(guard, rule)
    assert guard.found == [rule.name]
    guard.clock.now += rule.seconds
    if rule.share:
        await guard.see(*(opened(number) for number in range(rule.threshold)))
    await almost(guard, rule)
    await last(guard, rule)
    assert guard.found == [rule.name] * 2


async def test_what_is_done_is_what_the_rule_says(rule: Rule) -> None:
    guard = await prepared(rule)
    await almost(guard, rule)
    await last(guard, rule)
    slowed = [(f"user:{EVE}", rule.slow_factor, rule.slow_seconds)]
    assert guard.brake.slowed == (slowed if rule.action == "slow_down" else [])
    assert guard.door.put_out == ([(EVE, SERVER)] if rule.action == "sign_out" else [])
    labels = {"rule": rule.name, "action": rule.action}
    value = guard.metrics.registry.get_sample_value("whatchat_anomalies_total", labels)
    assert value == 1


async def test_the_finding_names_whom_it_is_about_and_nobody_else(rule: Rule) -> None:
    guard = await prepared(rule)
    await almost(guard, rule)
    await last(guard, rule)
    [(who, act)] = guard.paper.written
    assert (who.role, act.kind, act.detail) == ("server", "anomaly.found", rule.name)
    if rule.counts.by == "network":
        assert (who.address, act.user_id) == ("192.0.2.66", None)
    else:
        assert (who.address, act.user_id) == (None, EVE)
    assert (act.device_id is not None) == (rule.counts.by == "device")


async def test_others_are_counted_for_themselves(rule: Rule) -> None:
    """What one user, device or network does is nothing to another's count."""
    guard = await prepared(rule)
    await almost(guard, rule)
    other = replace(
        EXAMPLES[rule.name](rule.sightings - 1),
        actor_id=somebody(10_000),
        account_id=somebody(10_001),
        device_id=None,
        address="203.0.113.1",
    )
    await guard.see(*[other] * (rule.threshold > rule.each))
    assert guard.found == []


async def test_nobody_alone_makes_somebody_unwelcome() -> None:
    guard = Guard()
    await guard.see(*(opened(number) for number in range(12)))
    for example in (blocked, reported):
        await guard.see(*[example(1)] * 50)
    assert guard.found == []


async def test_whom_few_of_many_block_is_not_unwelcome() -> None:
    guard = Guard()
    await guard.see(*(opened(number) for number in range(96)))
    await guard.see(*(blocked(number) for number in range(23)))
    assert guard.found == []
    await guard.see(blocked(23))
    assert guard.found == ["unwelcome"]


async def test_a_crowd_that_nobody_wrote_to_slows_nobody_down() -> None:
    """Such as one that was called together: somebody looks at it, and nothing else."""
    guard = Guard()
    await guard.see(*(opened(number) for number in range(1000, 1020)))
    await guard.see(*(reported(number) for number in range(200)))
    await guard.see(*(reported(number) for number in range(1000, 1009)))
    assert guard.found == ["complaints"]
    assert guard.brake.slowed == []
    assert guard.door.put_out == []


async def test_reports_without_end_by_one_are_about_that_one() -> None:
    guard = Guard()
    await guard.see(*(report_by_one(number) for number in range(20)))
    [(_, act)] = guard.paper.written
    assert (act.detail, act.user_id) == ("reports_by_one", EVE)


async def test_many_at_once_count_as_many() -> None:
    rule = BY_NAME["limits_hit_by_user"]
    guard = Guard([rule])
    hit = EXAMPLES[rule.name](0)
    await guard.see(replace(hit, count=rule.threshold - 1))
    assert guard.found == []
    await guard.see(hit)
    assert guard.found == [rule.name]


async def test_a_new_devices_alert_is_not_for_known_ones() -> None:
    guard = Guard()
    known = [replace(EXAMPLES["new_devices"](one), detail=None) for one in range(100)]
    await guard.see(*known)
    assert guard.found == []


async def test_one_customers_addresses_are_one_network() -> None:
    guard = Guard([BY_NAME["failed_sign_ins_from_network"]])
    for number in range(100):
        one = EXAMPLES["failed_sign_ins_from_network"](number)
        await guard.see(replace(one, address=f"2001:db8:0:1::{number:x}"))
    [(who, _)] = guard.paper.written
    assert who.address == "2001:db8:0:1::/64"


def test_a_network_is_neither_slowed_down_nor_signed_out() -> None:
    for action in ("slow_down", "sign_out"):
        with pytest.raises(BadRule, match="networks"):
            replace(BY_NAME["failed_sign_ins_from_network"], action=action)


@pytest.mark.parametrize("name", ["unwelcome", "complaints", "reports_by_one"])
def test_nobody_is_signed_out_for_what_others_report(name: str) -> None:
    with pytest.raises(BadRule, match="report"):
        replace(BY_NAME[name], action="sign_out")
