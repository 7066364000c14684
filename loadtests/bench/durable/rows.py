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


def _talk(work: Work, title: str) -> list[Row]:
    return [
        Row(work, Measure.ACCEPTED, f"accepted, {title}", "%", at_least=100.0),
        Row(work, Measure.DELIVERED, f"delivered, {title}", "%", at_least=100.0),
        Row(work, Measure.CPU_PER_MESSAGE, f"pod's CPU per accepted message, {title}", "µs"),
        Row(work, Measure.ACK_MEAN, f"mean ack latency, {title}", "ms"),
        Row(work, Measure.ACK_P99, f"p99 ack latency, {title}", "ms"),
        Row(work, Measure.DELIVERY_MEAN, f"mean delivery latency, {title}", "ms", under=10.0),
        Row(work, Measure.DELIVERY_P99, f"p99 delivery latency, {title}", "ms", under=50.0),
    ]


def _highest(work: Work, title: str) -> Row:
    return Row(
        work, Measure.RATE_HELD, f"highest rate accepted, {title}", "msg/s", at_least=1_000.0
    )


ROWS: Final = (
    *_talk(Work.ROOMS_2, "rooms of 2"),
    *_talk(Work.ROOMS_10, "rooms of 10"),
    _highest(Work.HIGHEST_2, "rooms of 2"),
    _highest(Work.HIGHEST_10, "rooms of 10"),
    *_talk(Work.RECEIPTS_10, "rooms of 10 with receipts"),
    Row(
        Work.RECEIPTS_10,
        Measure.CPU_WITHOUT_RECEIPTS,
        "pod's CPU per accepted message, the same without receipts",
        "µs",
    ),
    Row(
        Work.RECEIPTS_10,
        Measure.RECEIPTS_FACTOR,
        "CPU per message with receipts to that without",
        "times",
        under=2.5,
    ),
    Row(Work.RECEIPTS_10, Measure.RECEIPTS_TAKEN, "receipts accepted", "%", at_least=100.0),
    Row(Work.RECEIPTS_10, Measure.RECEIPTS_TOLD, "receipts told to authors, per message", ""),
    Row(Work.PODS, Measure.ACCEPTED, "accepted, by two pods", "%", at_least=100.0),
    Row(Work.PODS, Measure.DELIVERED, "delivered, by two pods", "%", at_least=100.0),
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
