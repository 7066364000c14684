"""The curves and the model as pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from loadtests.bench.growth.curves import beside, memory_per_connection, of, per
from loadtests.bench.growth.drawing import Curve, Line, across, drawn
from loadtests.bench.growth.forecast import cores, memory
from loadtests.bench.growth.model import Model
from loadtests.bench.growth.plan import BACKLOGS, Work
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Measure, Series
from loadtests.bench.growth.words import MEBI
from loadtests.colours import AMBER, LIME, SKY, SLATE, TEAL, VIOLET
from loadtests.swarm.views.chart import Panel, save

CORES: Final[Sequence[Line]] = (
    Line("pod", TEAL, of(Measure.POD_CORES, 100)),
    Line("mongod", LIME, of(Measure.MONGO_CORES, 100)),
    Line("Redis", SKY, of(Measure.REDIS_CORES, 100)),
)
DELIVERY: Final[Sequence[Line]] = (
    Line("delivery p50", SLATE, of(Measure.DELIVERY_P50)),
    Line("mean", LIME, of(Measure.DELIVERY_MEAN)),
    Line("p99", TEAL, of(Measure.DELIVERY_P99)),
)
PER_MESSAGE: Final[Sequence[Line]] = (
    Line("all pods", TEAL, per(Measure.POD_CORES, Measure.MESSAGES)),
    Line("mongod", LIME, per(Measure.MONGO_CORES, Measure.MESSAGES)),
    Line("Redis", SKY, per(Measure.REDIS_CORES, Measure.MESSAGES)),
)
BACKLOG_COLOURS: Final = (SLATE, LIME, TEAL)

TITLES: Final[Mapping[str, str]] = {
    Work.CONNECTIONS: "Idle connections of one pod",
    Work.RATE: "One pod that is told ever more, rooms of 2",
    Work.PODS: "The same messages over more pods, each room on all of them",
    Work.FANOUT: "Rooms of different sizes on one pod",
    Work.SYNC: "One device that was away",
    "model": "What the model says that connections need",
}


def draw(report: Report, model: Model, folder: Path) -> Iterator[Path]:
    """Write a picture of each curve and one of the model, the same bytes for the same report."""
    machine = report.machine
    about = f"{machine.date}, {machine.processor}, {machine.cores} cores for all; medians"
    for name, title in TITLES.items():
        path = folder / f"scaling-{name}.svg"
        panels = _model(report, model) if name == "model" else CURVES[Work(name)](report)
        save(path, title, about, panels)
        yield path


def _connections(report: Report) -> list[Panel]:
    curve = partial(Curve, report, Work.CONNECTIONS, Series.REST)
    resident = Line("pod", TEAL, of(Measure.POD_BYTES, 1 / MEBI))
    each = Line("pod", TEAL, memory_per_connection)
    return [
        drawn(curve(resident), "Resident memory", across("connections", unit=" MiB")),
        drawn(curve(each), "Memory that each connection adds", across("connections", unit=" KB")),
        drawn(
            curve(*CORES), "Processor at rest, heartbeats alone", across("connections", unit=" %")
        ),
    ]


def _rate(report: Report) -> list[Panel]:
    curve = partial(Curve, report, Work.RATE, Series.TALK, place=of(Measure.MESSAGES))
    late = (*DELIVERY, Line("ack p99", VIOLET, of(Measure.ACK_P99)))
    others = Line("load and others", AMBER, lambda point: 100 * beside(point))
    return [
        drawn(
            curve(*late), "Latency", across("accepted messages a second", unit=" ms", log_y=True)
        ),
        drawn(
            curve(*CORES, others),
            "Processor, in per cent of one core",
            across("accepted messages a second", unit=" %"),
        ),
    ]


def _pods(report: Report) -> list[Panel]:
    curve = partial(Curve, report, Work.PODS, Series.TALK)
    return [
        drawn(curve(*PER_MESSAGE), "Processor for each message", across("pods", unit=" µs")),
        drawn(curve(*DELIVERY), "Latency", across("pods", unit=" ms")),
    ]


def _fanout(report: Report) -> list[Panel]:
    curve = partial(Curve, report, Work.FANOUT, Series.TALK)
    each = Line("pod", TEAL, per(Measure.POD_CORES, Measure.DELIVERIES))
    late = (
        Line("delivery p50", SLATE, of(Measure.DELIVERY_P50)),
        Line("last recipient, median of messages", LIME, of(Measure.LAST_P50)),
        Line("latest of all", TEAL, of(Measure.LAST_MOST)),
    )
    way = across("people to a room", unit=" µs", log_x=True, log_y=True)
    return [
        drawn(curve(each), "Pod's processor for each delivery", way),
        drawn(curve(*late), "Latency", way._replace(unit=" ms")),
    ]


def _sync(report: Report) -> list[Panel]:
    found = (
        ("Until everything is there", Measure.SYNC_MS),
        ("Pod's processor for it", Measure.SYNC_POD_CPU),
    )
    way = across("rooms", unit=" ms", log_x=True, log_y=True)
    return [drawn(_syncs(report, measure), title, way) for title, measure in found]


def _syncs(report: Report, measure: Measure) -> Curve:
    """One line for each backlog."""
    lines = [
        Line(f"{backlog} new in each", colour, of(measure), backlog)
        for backlog, colour in zip(BACKLOGS, BACKLOG_COLOURS, strict=True)
    ]
    return Curve(report, Work.SYNC, Series.SYNC, *lines)


def _model(report: Report, model: Model) -> list[Panel]:
    return [partial(cores, report, model), partial(memory, report, model)]


CURVES: Final[Mapping[Work, Callable[[Report], list[Panel]]]] = {
    Work.CONNECTIONS: _connections,
    Work.RATE: _rate,
    Work.PODS: _pods,
    Work.FANOUT: _fanout,
    Work.SYNC: _sync,
}
