"""What is reported: every figure, its name, and what is wanted of it."""

from typing import Final, NamedTuple

from loadtests.bench.durable.plan import Work
from loadtests.bench.durable.samples import Measure


class Row(NamedTuple):
    """One figure; ``under`` or ``at_least`` is what is wanted of its median, if anything is."""

    work: Work
    measure: Measure
    title: str
    unit: str
    under: float | None = None
    at_least: float | None = None
    more_is_better: bool = False


def _all(work: Work, measure: Measure, title: str) -> Row:
    return Row(work, measure, title, "%", at_least=100.0, more_is_better=True)


def _cost(work: Work, whose: str, title: str) -> list[Row]:
    return [
        Row(work, measure, f"{who} CPU per message, {title}", "µs")
        for who, measure in (
            (whose, Measure.CPU_PER_MESSAGE),
            ("mongod's", Measure.MONGO_CPU_PER_MESSAGE),
            ("Redis'", Measure.REDIS_CPU_PER_MESSAGE),
        )
    ]


def _talk(work: Work, title: str) -> list[Row]:
    return [
        _all(work, Measure.ACCEPTED, f"accepted, {title}"),
        _all(work, Measure.DELIVERED, f"delivered, {title}"),
        *_cost(work, "pod's", title),
        Row(work, Measure.ACK_MEAN, f"mean ack latency, {title}", "ms"),
        Row(work, Measure.ACK_P99, f"p99 ack latency, {title}", "ms"),
        Row(work, Measure.DELIVERY_MEAN, f"mean delivery latency, {title}", "ms", under=10.0),
        Row(work, Measure.DELIVERY_P99, f"p99 delivery latency, {title}", "ms", under=50.0),
    ]


def _highest(work: Work, title: str) -> Row:
    return Row(
        work,
        Measure.RATE_HELD,
        f"highest rate accepted, {title}",
        "msg/s",
        at_least=1_000.0,
        more_is_better=True,
    )


ROWS: Final = (
    Row(Work.CONNECT, Measure.MEMORY_PER_CONNECTION, "memory per idle connection", "KB"),
    Row(Work.CONNECT, Measure.CPU_PER_CONNECT, "pod's CPU per connect", "µs"),
    Row(Work.CONNECT, Measure.CONNECTS_PER_SECOND, "connects a second", "", more_is_better=True),
    _all(Work.CONNECT, Measure.STAYED, "connections that stayed"),
    *_talk(Work.ROOMS_2, "rooms of 2"),
    *_talk(Work.ROOMS_10, "rooms of 10"),
    _highest(Work.HIGHEST_2, "rooms of 2"),
    _highest(Work.HIGHEST_10, "rooms of 10"),
    *_talk(Work.RECEIPTS_10, "rooms of 10 with receipts"),
    Row(
        Work.RECEIPTS_10,
        Measure.CPU_WITHOUT_RECEIPTS,
        "pod's CPU per message, the same without receipts",
        "µs",
    ),
    Row(
        Work.RECEIPTS_10,
        Measure.RECEIPTS_FACTOR,
        "CPU per message with receipts to that without",
        "times",
        under=2.5,
    ),
    _all(Work.RECEIPTS_10, Measure.RECEIPTS_TAKEN, "receipts accepted"),
    Row(Work.RECEIPTS_10, Measure.RECEIPTS_TOLD, "receipts told to authors, per message", ""),
    _all(Work.PODS, Measure.ACCEPTED, "accepted, by two pods"),
    _all(Work.PODS, Measure.DELIVERED, "delivered, by two pods"),
    *_cost(Work.PODS, "both pods'", "pod to pod"),
    Row(Work.PODS, Measure.DELIVERY_MEAN, "mean delivery latency, from pod to pod", "ms"),
    Row(Work.PODS, Measure.DELIVERY_P99, "p99 delivery latency, from pod to pod", "ms"),
    Row(Work.PODS, Measure.IDLE_POD_SHARE_BEFORE, "third pod's core, the others idle", "%"),
    Row(Work.PODS, Measure.IDLE_POD_SHARE, "third pod's core, the others busy", "%"),
)
"""Everything that is reported, in its order."""

CORES: Final = tuple(
    Row(work, share, f"{who}, {work}", "%")
    for work in Work
    for who, share in (
        ("pod", Measure.POD_SHARE),
        ("second pod", Measure.SECOND_POD_SHARE),
        ("mongod", Measure.MONGO_SHARE),
        ("redis-server", Measure.REDIS_SHARE),
        ("load", Measure.LOAD_SHARE),
        ("others", Measure.OTHERS_SHARE),
    )
    if share is not Measure.SECOND_POD_SHARE or work is Work.PODS
)
"""How busy everybody was; all but the pod share the other core, where pods are not several."""
