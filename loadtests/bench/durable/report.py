"""What a run's samples come to: medians, and whether they are what was wanted."""

from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

from loadtests.bench.durable.plan import Plan
from loadtests.bench.durable.rows import CORES, ROWS, Row
from loadtests.bench.durable.run import Outcome
from loadtests.bench.durable.samples import Failure, Sample
from loadtests.bench.machine import Machine, this_machine


class Line(Struct, frozen=True, kw_only=True):
    """A row with what was measured: the median of the rounds, and how far they spread.

    ``met`` says whether the median is what was wanted, where something was.
    """

    title: str
    unit: str
    median: float
    least: float
    most: float
    under: float | None
    at_least: float | None
    met: bool | None


class Report(Struct, frozen=True, kw_only=True):
    """A run's results, and all that they were made from."""

    machine: Machine
    versions: dict[str, str]
    plan: Plan
    lines: list[Line]
    cores: list[Line]
    failures: list[Failure]
    samples: list[Sample]


def report(plan: Plan, outcome: Outcome) -> Report:
    """What a run on this machine came to."""
    return Report(
        machine=this_machine(),
        versions=outcome.versions,
        plan=plan,
        lines=_lines(ROWS, outcome.samples),
        cores=_lines(CORES, outcome.samples),
        failures=list(outcome.failures),
        samples=list(outcome.samples),
    )


def _lines(rows: Iterable[Row], samples: Sequence[Sample]) -> list[Line]:
    found = ((row, _values(row, samples)) for row in rows)
    return [_line(row, values) for row, values in found if values]


def _values(row: Row, samples: Sequence[Sample]) -> list[float]:
    return [
        sample.value
        for sample in samples
        if (sample.work, sample.measure) == (row.work, row.measure)
    ]


def _line(row: Row, values: Sequence[float]) -> Line:
    middle = median(values)
    return Line(
        title=row.title,
        unit=row.unit,
        median=middle,
        least=min(values),
        most=max(values),
        under=row.under,
        at_least=row.at_least,
        met=_met(row, middle),
    )


def _met(row: Row, value: float) -> bool | None:
    if row.under is not None:
        return value < row.under
    return None if row.at_least is None else value >= row.at_least
