"""Which gates hold, by what was found."""

import pytest
from msgspec.structs import replace

from loadtests.swarm.run.times import Times
from loadtests.swarm.run.verdict import Found, judged, overridden, table
from loadtests.swarm.scenario import Gates
from loadtests.swarm.tally import Tally

GOOD = Found(
    users=1_000,
    talking=True,
    undisturbed=True,
    returning=False,
    acks=Times(count=4_000, failed=4),
    connects=Times(count=1_000, failed=1, mean_ms=20, p99_ms=2_000),
    reconnects=Times(),
    deliveries=Times(count=500, mean_ms=50, p99_ms=250),
    warming=Times(count=50, mean_ms=500, p99_ms=2_000),
    tally=Tally(due=500, accepted=500, delivered=500, judged=999, absent=1, dropped=1),
)

USUAL = Gates()


def failing(found: Found, gates: Gates = USUAL) -> list[str]:
    return [gate.name for gate in judged(gates, found) if not gate.holds]


def test_all_may_hold_on_their_bounds() -> None:
    assert failing(GOOD) == []


@pytest.mark.parametrize(
    "name", ["lost", "duplicated", "misdelivered", "bad_requests", "unresolved", "crashed"]
)
def test_of_some_things_there_may_be_none(name: str) -> None:
    assert failing(replace(GOOD, tally=replace(GOOD.tally, **{name: 1}))) == [name]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"connects": replace(GOOD.connects, failed=2)}, "connect_success"),
        ({"connects": replace(GOOD.connects, count=998, failed=0)}, "connect_success"),
        ({"connects": replace(GOOD.connects, p99_ms=2_100)}, "connect_p99"),
        ({"deliveries": replace(GOOD.deliveries, mean_ms=50.1)}, "delivery_mean"),
        ({"deliveries": replace(GOOD.deliveries, p99_ms=260)}, "delivery_p99"),
        ({"warming": replace(GOOD.warming, p99_ms=2_010)}, "warming_p99"),
        ({"reconnects": Times(count=100, failed=1)}, "reconnect_success"),
        ({"tally": replace(GOOD.tally, dropped=2)}, "dropped"),
        ({"tally": replace(GOOD.tally, judged=998)}, "judged"),
        ({"tally": replace(GOOD.tally, due=0, accepted=0)}, "accepted"),
        ({"tally": replace(GOOD.tally, accepted=499)}, "accepted"),
        ({"acks": Times(count=4_000, failed=5)}, "ack_success"),
        ({"returning": True}, "returned"),
        ({"returning": True, "reconnects": Times(count=998)}, "returned"),
    ],
)
def test_each_gate_fails_by_itself(changed: dict[str, object], name: str) -> None:
    assert failing(replace(GOOD, **changed)) == [name]


def test_what_was_not_measured_does_not_hold() -> None:
    nobody = replace(GOOD, connects=Times(count=1_000, failed=1_000), deliveries=Times())
    assert {"connect_success", "connect_p99", "delivery_mean", "delivery_p99"} <= {*failing(nobody)}


def test_who_is_disturbed_may_lose_connections() -> None:
    tally = replace(GOOD.tally, dropped=1_000)
    assert failing(replace(GOOD, undisturbed=False, tally=tally)) == []


def test_who_is_silent_delivers_nothing() -> None:
    nothing, tally = Times(), Tally(judged=1_000)
    silent = replace(GOOD, talking=False, deliveries=nothing, warming=nothing, tally=tally)
    assert failing(silent) == []


def test_nobody_has_to_talk_before_the_hold() -> None:
    assert failing(replace(GOOD, warming=Times())) == []


def test_bounds_can_be_others() -> None:
    assert failing(GOOD, overridden(Gates(), ["delivery_mean=0.001"])) == ["delivery_mean"]
    assert overridden(Gates(), []) == Gates()


@pytest.mark.parametrize("given", ["speed=1", "delivery_mean", "delivery_mean=fast", ""])
def test_a_bound_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"no gate is called|must be a number"):
        overridden(Gates(), [given])


def test_the_table_says_which_fail() -> None:
    shown = table(judged(Gates(delivery_mean=1), GOOD)).splitlines()
    assert [line.split()[0] for line in shown if line.endswith("FAILS")] == ["delivery_mean"]
    assert sum(line.endswith("holds") for line in shown) == len(shown) - 2
