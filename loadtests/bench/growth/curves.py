"""The curves as tables: the figures of each place, medians of the rounds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from loadtests.bench.growth.plan import BACKLOGS, Work
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Measure, Point, Series
from loadtests.bench.growth.words import MEBI, spread, table

Value = Callable[[Point], float]


class Column(NamedTuple):
    """A figure of each place, and how it comes from a point."""

    title: str
    value: Value


def of(measure: Measure, factor: float = 1.0) -> Value:
    """A measure, in another unit."""
    return lambda point: point.found[measure] * factor


def per(measure: Measure, causes: Measure, factor: float = 1e6) -> Value:
    """What one of something takes."""
    return lambda point: point.found[measure] * factor / point.found[causes]


def memory_per_connection(point: Point) -> float:
    """The kilobytes that each connection has added to the pod's memory."""
    grown = point.found[Measure.POD_BYTES] - point.found[Measure.START_BYTES]
    return grown / 1000 / point.found[Measure.CONNECTIONS]


def per_message(point: Point) -> float:
    """The microseconds of the pod for each message that came; 0 if none did."""
    messages = point.found[Measure.SYNC_MESSAGES]
    return 1000 * point.found[Measure.SYNC_POD_CPU] / messages if messages else 0.0


CONNECTIONS: Final = (
    Column("pod's memory, MiB", of(Measure.POD_BYTES, 1 / MEBI)),
    Column("added by each, KB", memory_per_connection),
    Column("pod at rest, % of a core", of(Measure.POD_CORES, 100)),
    Column("mongod, %", of(Measure.MONGO_CORES, 100)),
    Column("Redis, %", of(Measure.REDIS_CORES, 100)),
    Column("Redis' memory, MiB", of(Measure.REDIS_BYTES, 1 / MEBI)),
    Column("pod's CPU per connect, µs", of(Measure.CONNECT_CPU)),
)

RATE: Final = (
    Column("accepted, msg/s", of(Measure.MESSAGES)),
    Column("delivery p50, ms", of(Measure.DELIVERY_P50)),
    Column("mean", of(Measure.DELIVERY_MEAN)),
    Column("p99", of(Measure.DELIVERY_P99)),
    Column("ack p99, ms", of(Measure.ACK_P99)),
    Column("pod, % of a core", of(Measure.POD_CORES, 100)),
    Column("mongod, %", of(Measure.MONGO_CORES, 100)),
    Column("Redis, %", of(Measure.REDIS_CORES, 100)),
    Column("load and others, %", lambda point: 100 * beside(point)),
)

PODS: Final = (
    Column("all pods, µs per message", per(Measure.POD_CORES, Measure.MESSAGES)),
    Column("mongod, µs", per(Measure.MONGO_CORES, Measure.MESSAGES)),
    Column("Redis, µs", per(Measure.REDIS_CORES, Measure.MESSAGES)),
    Column("delivery p50, ms", of(Measure.DELIVERY_P50)),
    Column("p99, ms", of(Measure.DELIVERY_P99)),
    Column("both cores, %", lambda point: 50 * busy(point)),
)

FANOUT: Final = (
    Column("messages a second", of(Measure.MESSAGES)),
    Column("deliveries a second", of(Measure.DELIVERIES)),
    Column("pod's CPU per delivery, µs", per(Measure.POD_CORES, Measure.DELIVERIES)),
    Column("delivery p50, ms", of(Measure.DELIVERY_P50)),
    Column("last recipient, median of messages, ms", of(Measure.LAST_P50)),
    Column("latest of all, ms", of(Measure.LAST_MOST)),
)

SYNC: Final = (
    Column("until all is there, ms", of(Measure.SYNC_MS)),
    Column("pod's CPU, ms", of(Measure.SYNC_POD_CPU)),
    Column("mongod's CPU, ms", of(Measure.SYNC_MONGO_CPU)),
    Column("answers", of(Measure.SYNC_ANSWERS)),
    Column("KB", of(Measure.SYNC_BYTES, 1e-3)),
    Column("µs per message", per_message),
)


def curve(report: Report, work: Work) -> str:
    """The table of a curve."""
    if work is Work.SYNC:
        return _syncs(report)
    head, series, columns = TABLES[work]
    places = _places(report.of(work, series))
    body = [
        [f"{x:,}", *(spread([column.value(one) for one in points]) for column in columns)]
        for x, points in places.items()
        if all(_has(points, column) for column in columns)
    ]
    return table([head, *(column.title for column in columns)], body)


def beside(point: Point) -> float:
    """The cores that the load and everything else used."""
    return point.found[Measure.LOAD_CORES] + point.found[Measure.OTHERS_CORES]


def busy(point: Point) -> float:
    """The cores that everybody used."""
    parts = (Measure.POD_CORES, Measure.MONGO_CORES, Measure.REDIS_CORES)
    return beside(point) + sum(point.found[part] for part in parts)


TABLES: Final[Mapping[Work, tuple[str, Series, Sequence[Column]]]] = {
    Work.CONNECTIONS: ("connections", Series.REST, CONNECTIONS),
    Work.RATE: ("msg/s wanted", Series.TALK, RATE),
    Work.PODS: ("pods", Series.TALK, PODS),
    Work.FANOUT: ("people to a room", Series.TALK, FANOUT),
}


def _syncs(report: Report) -> str:
    body = []
    for backlog in BACKLOGS:
        points = [one for one in report.of(Work.SYNC, Series.SYNC) if one.backlog == backlog]
        for x, some in _places(points).items():
            cells = [spread([column.value(one) for one in some]) for column in SYNC]
            body.append([f"{x:,}", f"{backlog:,}", *cells])
    head = ["rooms", "new messages in each", *(column.title for column in SYNC)]
    return table(head, body)


def _places(points: Sequence[Point]) -> dict[int, list[Point]]:
    found: dict[int, list[Point]] = {}
    for point in sorted(points, key=lambda one: one.x):
        found.setdefault(point.x, []).append(point)
    return found


def _has(points: Sequence[Point], column: Column) -> bool:
    """Whether the points have that figure; nobody was connected to at the first of some."""
    try:
        return all(column.value(one) >= 0 for one in points)
    except (KeyError, ZeroDivisionError):
        return False
