"""The model as tables: its coefficients, what crowds need, and what ends first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from loadtests.bench.growth.breaking import MOST, limits
from loadtests.bench.growth.model import BASE, Bounds, Crowd, Model, Needs, needs
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Measure
from loadtests.bench.growth.words import MEBI, short, table

SIZES: Final = (10_000, 100_000, 1_000_000)

CROWDS: Final = (
    Crowd(name="usual", per_minute=0.5, room_size=10),
    Crowd(name="lively", per_minute=3.0, room_size=10),
)

TRIED_OUT: Final = (
    "\n\n**Tried out with small numbers, beside other programs: these figures show what the"
    " page looks like, and nothing else.**"
)
_MEGA: Final = 1e6


class _Effect(NamedTuple):
    """How an effect is called, and its unit for each of a cause."""

    title: str
    unit: str
    factor: float


EFFECTS: Final[Mapping[Measure, _Effect]] = {
    Measure.POD_BYTES: _Effect("pods' memory", "KB", 1e-3),
    Measure.POD_CORES: _Effect("pods' CPU", "µs/s", 1e6),
    Measure.MONGO_CORES: _Effect("mongod's CPU", "µs/s", 1e6),
    Measure.REDIS_CORES: _Effect("Redis' CPU", "µs/s", 1e6),
    Measure.REDIS_BYTES: _Effect("Redis' memory", "KB", 1e-3),
    Measure.CLIENT_TRAFFIC: _Effect("traffic with clients", "B/s", 1.0),
    Measure.MONGO_TRAFFIC: _Effect("traffic with mongod", "B/s", 1.0),
    Measure.REDIS_TRAFFIC: _Effect("traffic with Redis", "B/s", 1.0),
}

CAUSES: Final[Mapping[str, str]] = {
    BASE: "always",
    Measure.PODS: "a pod",
    Measure.CONNECTIONS: "a connection",
    Measure.MESSAGES: "a message/s",
    Measure.DELIVERIES: "a delivery/s",
    Measure.HEARINGS: "another pod that hears it",
    Measure.RECEIPTS: "a receipt/s",
}

ROWS: Final[Sequence[tuple[str, Callable[[Needs], str]]]] = (
    ("messages a second", lambda one: short(one.messages)),
    ("deliveries a second", lambda one: short(one.deliveries)),
    ("pods wanted by their cores", lambda one: f"{one.pods_by_cpu:,}"),
    ("pods wanted by their memory", lambda one: f"{one.pods_by_memory:,}"),
    ("pods wanted by sockets", lambda one: f"{one.pods_by_sockets:,}"),
    ("**pods**", lambda one: f"**{one.pods:,}**"),
    ("cores that all pods use", lambda one: short(one.pod_cores)),
    ("memory that all pods use, GiB", lambda one: short(one.pod_bytes / MEBI / 1024)),
    ("cores that MongoDB's primary uses", lambda one: short(one.mongo_cores)),
    ("cores that Redis uses", lambda one: short(one.redis_cores)),
    ("**Redis masters**", lambda one: f"**{one.redis_shards:,}**"),
    ("memory that Redis uses, MiB", lambda one: short(one.redis_bytes / MEBI)),
    ("traffic with clients, Mbit/s", lambda one: short(8 * one.client_traffic / _MEGA)),
    ("traffic of pods and MongoDB, Mbit/s", lambda one: short(8 * one.mongo_traffic / _MEGA)),
    ("traffic of pods and Redis, Mbit/s", lambda one: short(8 * one.redis_traffic / _MEGA)),
)


def about(report: Report) -> str:
    """Where, when and with what it was measured."""
    machine, plan = report.machine, report.plan
    parts = ", ".join(f"{name} {at}" for name, at in report.versions.items())
    return (
        f"{machine.date}, {machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, "
        f"Linux {machine.kernel}; Python {machine.python}, {parts}. Rounds: {plan.rounds}, "
        f"{plan.seconds:g} s at each rate. Medians, and in brackets the least and the most."
        + TRIED_OUT
        * (plan.scale != 1 or plan.shared)
    )


def coefficients(model: Model) -> str:
    """What each cause adds to each effect, with its standard error, and how well that fits."""
    causes = list(CAUSES)
    body = [
        [
            f"{effect.title}, {effect.unit}",
            *(_coefficient(model, measure, cause) for cause in causes),
            f"{model[measure].mean_error:.0f}, {model[measure].worst_error:.0f} %",
        ]
        for measure, effect in EFFECTS.items()
    ]
    return table(["", *CAUSES.values(), "off by, mean and worst"], body)


def crowd_needs(model: Model, crowd: Crowd) -> str:
    """What so many of a crowd need."""
    found = [needs(model, crowd, Bounds(), count) for count in SIZES]
    body = [[title, *map(cell, found)] for title, cell in ROWS]
    return table([crowd.name, *(f"{count:,}" for count in SIZES)], body)


def ends(model: Model) -> str:
    """Up to how many connections each part does that pods do not relieve."""
    found = [limits(model, crowd, Bounds()) for crowd in CROWDS]
    later = [{limit.part: limit for limit in some} for some in found[1:]]
    body = [
        [limit.part, limit.bound, _upto(limit.connections)]
        + [_upto(some[limit.part].connections) for some in later]
        for limit in found[0]
    ]
    return table(["part", "used up to", *(crowd.name for crowd in CROWDS)], body)


def _coefficient(model: Model, measure: Measure, cause: str) -> str:
    found = model[measure].coefficients.get(cause)
    if found is None:
        return ""
    factor = EFFECTS[measure].factor
    if not found.value:
        return "0"
    return f"{short(found.value * factor)} ± {short(found.error * factor)}"


def _upto(connections: int) -> str:
    if connections >= MOST:
        return "never"
    return f"{float(f'{connections:.2g}'):,.0f}"
