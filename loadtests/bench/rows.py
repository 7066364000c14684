"""What is reported: every figure, its name, and what is wanted of it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from loadtests.bench.plan import Work
from loadtests.bench.samples import Measure


class Row(NamedTuple):
    """One figure of the report; ``at_most`` is what ours ÷ Node's is wanted to be."""

    work: Work
    measure: Measure
    title: str
    unit: str
    at_most: float | None = None
    more_is_better: bool = False


def _traffic_rows(work: Work, title: str, at_most: float, p99: float | None) -> list[Row]:
    return [
        Row(work, Measure.CPU_PER_DELIVERY, f"CPU per delivery, {title}", "µs", at_most),
        Row(work, Measure.P50, f"p50 latency, {title}", "ms"),
        Row(work, Measure.P99, f"p99 latency, {title}", "ms", p99),
        Row(work, Measure.DELIVERED, f"delivered, {title}", "%", None, more_is_better=True),
    ]


ROWS: Final = (
    Row(Work.CONNECT, Measure.MEMORY_PER_CONNECTION, "memory per idle connection", "KB", 1.0),
    Row(Work.CONNECT, Measure.CPU_PER_CONNECT, "CPU per connect", "µs", 1.0),
    Row(
        Work.CONNECT,
        Measure.CONNECTS_PER_SECOND,
        "connects a second",
        "",
        more_is_better=True,
    ),
    *_traffic_rows(Work.ROOMS_10, "rooms of 10", 0.65, 1.0),
    *_traffic_rows(Work.ROOMS_1000, "rooms of 1,000", 0.70, None),
    *_traffic_rows(Work.PAIRS, "pairs", 0.80, None),
    Row(
        Work.HIGHEST,
        Measure.RATE_HELD,
        "highest rate held, rooms of 10",
        "msg/s",
        more_is_better=True,
    ),
    Row(Work.HOSTILE, Measure.CALM_P99, "p99 latency, among good clients", "ms"),
    Row(Work.HOSTILE, Measure.P99, "the same, beside as many hostile ones", "ms"),
    Row(
        Work.HOSTILE,
        Measure.DELIVERED,
        "delivered, beside as many hostile ones",
        "%",
        more_is_better=True,
    ),
)
"""Everything that is reported, in its order."""


def cores(*, redis: bool) -> Sequence[Row]:
    """How busy the cores were, and with ``redis`` what that took of the load's.

    A load near 100 % would measure itself, and others are in the way.
    """
    shares = [
        ("server", Measure.SERVER_SHARE),
        ("load", Measure.LOAD_SHARE),
        *([("Redis", Measure.REDIS_SHARE)] if redis else []),
        ("others", Measure.OTHERS_SHARE),
    ]
    return [Row(work, share, f"{who}, {work}", "%") for work in Work for who, share in shares]
