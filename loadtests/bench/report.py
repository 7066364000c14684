"""What a run's samples come to: medians side by side, and ours against Node's."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from msgspec import Struct

from loadtests.bench.machine import Machine, this_machine
from loadtests.bench.plan import Plan, ServerName
from loadtests.bench.rows import ROWS, Row, cores
from loadtests.bench.run import Outcome
from loadtests.bench.samples import Failure, Sample


class Figure(Struct, frozen=True, kw_only=True):
    """What one server came to: the median of the rounds, and how far they spread."""

    server: ServerName
    median: float
    least: float
    most: float


class Compared(Struct, frozen=True, kw_only=True):
    """A row with what was measured; ``ratio`` is ours ÷ Node's, of the medians."""

    title: str
    unit: str
    more_is_better: bool
    figures: list[Figure]
    ratio: float | None

    def of(self, server: ServerName) -> Figure | None:
        """One server's figure, if it has one."""
        return next((figure for figure in self.figures if figure.server == server), None)


class Line(Compared, frozen=True, kw_only=True):
    """A row of sockets alone; ``met`` says whether the ratio is what was wanted."""

    at_most: float | None
    met: bool | None


class Report(Struct, frozen=True, kw_only=True):
    """A run's results, and all that they were made from."""

    machine: Machine
    plan: Plan
    lines: list[Line]
    cores: list[Line]
    failures: list[Failure]
    samples: list[Sample]


def report(plan: Plan, outcome: Outcome) -> Report:
    """What a run on this machine came to."""
    return Report(
        machine=this_machine(redis=plan.redis),
        plan=plan,
        lines=_lines(ROWS, plan, outcome.samples),
        cores=_lines(cores(redis=plan.redis), plan, outcome.samples),
        failures=list(outcome.failures),
        samples=list(outcome.samples),
    )


def _lines(rows: Iterable[Row], plan: Plan, samples: Sequence[Sample]) -> list[Line]:
    return [_line(row, plan, samples) for row in rows if row.work in plan.works]


def _line(row: Row, plan: Plan, samples: Sequence[Sample]) -> Line:
    values = {
        server: [
            sample.value
            for sample in samples
            if (sample.server, sample.work, sample.measure) == (server, row.work, row.measure)
        ]
        for server in plan.servers
    }
    figures = figures_of(values)
    ratio = ratio_of(figures)
    return Line(
        title=row.title,
        unit=row.unit,
        more_is_better=row.more_is_better,
        figures=figures,
        ratio=ratio,
        at_most=row.at_most,
        met=None if ratio is None or row.at_most is None else ratio <= row.at_most,
    )


def figures_of(values: Mapping[ServerName, Sequence[float]]) -> list[Figure]:
    """What each server that has values came to."""
    return [
        Figure(server=server, median=median(found), least=min(found), most=max(found))
        for server, found in values.items()
        if found
    ]


def ratio_of(figures: Iterable[Figure]) -> float | None:
    """Ours ÷ Node's, of the medians, if both have one."""
    medians = {figure.server: figure.median for figure in figures}
    ours, node = medians.get(ServerName.OURS), medians.get(ServerName.NODE)
    if ours is None or not node or not math.isfinite(ours / node):
        return None
    return ours / node
