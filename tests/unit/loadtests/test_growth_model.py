"""The model of growth: it finds what was planted, and more people never need less."""

import random
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from loadtests.bench.growth.breaking import MOST, limits, most
from loadtests.bench.growth.fit import Coefficient, Fit, fitted
from loadtests.bench.growth.model import (
    BASE,
    CAUSES,
    Bounds,
    Crowd,
    Model,
    calibrated,
    needs,
    others_that_hear,
)
from loadtests.bench.growth.plan import Plan, Work
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Measure, Point, Series
from loadtests.bench.machine import Machine

PLANTED: Mapping[Measure, Mapping[str, float]] = {
    Measure.POD_BYTES: {Measure.PODS: 104e6, Measure.CONNECTIONS: 9e3},
    Measure.POD_CORES: {
        Measure.PODS: 0.01,
        Measure.CONNECTIONS: 3e-6,
        Measure.MESSAGES: 6e-4,
        Measure.DELIVERIES: 2e-5,
        Measure.HEARINGS: 8e-5,
        Measure.RECEIPTS: 3e-5,
    },
    Measure.MONGO_CORES: {
        BASE: 0.01,
        Measure.PODS: 0.001,
        Measure.MESSAGES: 5e-4,
        Measure.RECEIPTS: 1e-5,
    },
    Measure.REDIS_CORES: {
        BASE: 0.002,
        Measure.PODS: 0.0005,
        Measure.CONNECTIONS: 2e-6,
        Measure.MESSAGES: 3e-5,
        Measure.HEARINGS: 2e-5,
        Measure.RECEIPTS: 5e-6,
    },
    Measure.REDIS_BYTES: {BASE: 1e6, Measure.CONNECTIONS: 2e3},
    Measure.CLIENT_TRAFFIC: {
        Measure.CONNECTIONS: 6.0,
        Measure.MESSAGES: 900.0,
        Measure.DELIVERIES: 500.0,
        Measure.RECEIPTS: 400.0,
    },
    Measure.MONGO_TRAFFIC: {
        Measure.PODS: 2e4,
        Measure.MESSAGES: 5e3,
        Measure.RECEIPTS: 1e3,
    },
    Measure.REDIS_TRAFFIC: {
        Measure.PODS: 3e3,
        Measure.CONNECTIONS: 10.0,
        Measure.MESSAGES: 1e3,
        Measure.HEARINGS: 7e2,
        Measure.RECEIPTS: 6e2,
    },
}
CROWD = Crowd(name="made up", per_minute=0.5, room_size=10)
MACHINE = Machine(
    date="2026-01-01",
    processor="made up",
    cores=2,
    memory_gib=8.0,
    kernel="6",
    python="3.11",
    node="none",
    packages={},
)


def at(work: Work, series: Series, x: int, **causes: float) -> Point:
    """A point at which everything is what was planted says."""
    found: dict[Measure, float] = {
        Measure.PODS: 1.0,
        Measure.CONNECTIONS: 1_000.0,
        **{Measure[name]: value for name, value in causes.items()},
    }
    known = {BASE: 1.0} | {str(name): value for name, value in found.items()}
    for effect, parts in PLANTED.items():
        found[effect] = sum(value * known.get(name, 0.0) for name, value in parts.items())
    return Point(round=1, work=work, series=series, x=x, found=found)


def points() -> list[Point]:
    rest = [
        at(Work.CONNECTIONS, Series.REST, x, CONNECTIONS=x)
        for x in (0, 1_000, 2_000, 5_000, 10_000)
    ]
    rate = [at(Work.RATE, Series.TALK, x, MESSAGES=x, DELIVERIES=x) for x in (250, 500, 1_000)]
    pods = [
        at(
            Work.PODS,
            Series.TALK,
            x,
            PODS=x,
            MESSAGES=400,
            DELIVERIES=1_200,
            HEARINGS=400 * (x - 1),
        )
        for x in (1, 2, 3, 4)
    ]
    idle = [at(Work.PODS, Series.REST, x, PODS=x) for x in (1, 2, 3, 4)]
    sizes = [
        at(Work.FANOUT, Series.TALK, x, MESSAGES=4_000 / (x - 1), DELIVERIES=4_000)
        for x in (10, 100, 1_000)
    ]
    read = at(Work.FANOUT, Series.READ, 10, MESSAGES=150, DELIVERIES=1_350, RECEIPTS=2_700)
    return [*rest, *rate, *pods, *idle, *sizes, read]


def model_of(*found: Point) -> Model:
    report = Report(machine=MACHINE, versions={}, plan=Plan(), points=list(found), failures=[])
    return calibrated(report)


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(*points())


def test_what_was_planted_is_found(model: Model) -> None:
    assert PLANTED.keys() == CAUSES.keys()
    for effect, parts in PLANTED.items():
        found = {name: one.value for name, one in model[effect].coefficients.items()}
        assert found == pytest.approx(parts, rel=1e-4), effect
        assert model[effect].worst_error < 0.01


def test_what_was_planted_is_found_in_noise() -> None:
    drawn = random.Random(5)
    rows = [{"a": 1.0, "b": drawn.uniform(0, 1_000)} for _ in range(200)]
    effects = [(3 + 0.02 * row["b"]) * drawn.gauss(1, 0.05) for row in rows]
    fit = fitted(rows, effects, ["a", "b"])
    for name, planted in (("a", 3.0), ("b", 0.02)):
        one = fit.coefficients[name]
        assert abs(one.value - planted) < 4 * one.error
        assert one.error < planted / 20
    assert 2 < fit.mean_error < 6
    assert fit.mean_error < fit.worst_error < 30


def test_nothing_takes_anything_away() -> None:
    rows = [{"a": float(x), "b": float(x % 2)} for x in range(1, 20)]
    fit = fitted(rows, [2 * row["a"] - 0.5 * row["b"] for row in rows], ["a", "b"])
    assert fit.coefficients["b"] == Coefficient(value=0, error=0)
    assert fit.coefficients["a"].value == pytest.approx(2, rel=0.1)


def test_causes_that_always_come_together_are_refused() -> None:
    rows = [{"a": float(x), "b": 2.0 * x} for x in range(1, 9)]
    with pytest.raises(ValueError, match="cannot be told apart"):
        fitted(rows, [row["a"] for row in rows], ["a", "b"])


def test_too_few_measurements_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be told apart by 1"):
        fitted([{"a": 1.0, "b": 2.0}], [1.0], ["a", "b"])


def test_what_was_not_delivered_in_full_is_left_out() -> None:
    lost = at(Work.RATE, Series.TALK, 4_000, MESSAGES=2_000, DELIVERIES=1_000)
    lost.found.update(dict.fromkeys(CAUSES, 9e9))
    lost.found[Measure.ACCEPTED] = 50.0
    assert model_of(*points(), lost) == model_of(*points())


def test_needs_are_the_sums_that_the_coefficients_say(model: Model) -> None:
    found = needs(model, CROWD, Bounds(), 100_000)
    messages = 100_000 / 120
    assert found.messages == pytest.approx(messages)
    assert found.deliveries == pytest.approx(9 * messages)
    assert (found.pods_by_sockets, found.pods) == (20, 30)
    assert found.hearings == pytest.approx(messages * others_that_hear(10, 30))
    assert found.pod_bytes == pytest.approx(30 * 104e6 + 100_000 * 9e3, rel=1e-3)
    assert found.mongo_cores == pytest.approx(
        0.01 + 30 * 0.001 + messages * (5e-4 + 18e-5), rel=1e-3
    )
    assert found.redis_shards == 1


def test_the_processor_decides_where_much_is_said(model: Model) -> None:
    lively = Crowd(name="lively", per_minute=20, room_size=10)
    found = needs(model, lively, Bounds(), 100_000)
    assert found.pods == found.pods_by_cpu > 30
    assert found.pod_cores / found.pods <= Bounds().share
    assert found.redis_shards > 1


def test_memory_decides_where_pods_have_little(model: Model) -> None:
    found = needs(model, CROWD, Bounds(pod_bytes=128 * 2**20), 100_000)
    assert found.pods_by_memory > found.pods_by_sockets
    assert found.pods == -(-3 * found.pods_by_memory // 2)


def test_a_pod_that_fits_nowhere_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="nobody is connected"):
        needs(model, CROWD, Bounds(pod_bytes=50 * 2**20), 10_000)


@settings(deadline=None)
@given(
    connections=st.lists(st.integers(1, 10**8), min_size=2, max_size=6),
    per_minute=st.floats(0, 60),
    room_size=st.integers(2, 5_000),
)
def test_more_people_never_need_less(
    model: Model, connections: list[int], per_minute: float, room_size: int
) -> None:
    crowd = Crowd(name="any", per_minute=per_minute, room_size=room_size)
    found = [needs(model, crowd, Bounds(), count) for count in sorted(connections)]
    for fewer, more in pairwise(found):
        some = asdict(more)
        for name, value in asdict(fewer).items():
            assert value <= some[name] * (1 + 1e-9), name


@pytest.mark.parametrize(("size", "pods", "others"), [(2, 1, 0), (2, 2, 0.5), (2, 10**6, 1)])
def test_the_rest_of_a_room_is_on_so_many_other_pods(size: int, pods: int, others: float) -> None:
    assert others_that_hear(size, pods) == pytest.approx(others, rel=1e-4)
    assert others_that_hear(10**6, 30) == pytest.approx(29)


def test_what_ends_first_comes_first(model: Model) -> None:
    found = limits(model, CROWD, Bounds())
    assert [one.connections for one in found] == sorted(one.connections for one in found)
    redis = next(one for one in found if "Redis" in one.part)
    assert needs(model, CROWD, Bounds(), redis.connections).redis_shards == 1
    assert needs(model, CROWD, Bounds(), redis.connections + 1).redis_shards == 2


@pytest.mark.parametrize("last", [0, 1, 77, MOST - 1, MOST])
def test_the_largest_number_that_holds_is_found(last: int) -> None:
    assert most(lambda number: number <= last) == last


def test_a_fit_is_the_sum_of_its_parts() -> None:
    fit = Fit(
        coefficients={
            "a": Coefficient(value=2, error=0.1),
            "b": Coefficient(value=3, error=0.1),
        },
        residuals=(-4.0, 2.0),
    )
    assert fit.at({"a": 10, "b": 1, "c": 99}) == 23
    assert fit.at({}) == 0
    assert (fit.mean_error, fit.worst_error) == (3, 4)
