"""What a run's samples come to: medians, and whether they are what was wanted."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from loadtests.bench.durable.plan import Plan
from loadtests.bench.durable.rows import CORES, ROWS, Row
from loadtests.bench.durable.run import Outcome
from loadtests.bench.durable.samples import Failure, Sample
from loadtests.bench.machine import Machine, this_machine
from loadtests.bench.plan import ServerName
from loadtests.bench.report import Compared, figures_of, ratio_of


class Line(Compared, frozen=True, kw_only=True):
    """A row with what was measured.

    ``met`` says whether our median is what was wanted, where something was.
    """

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
        lines=_lines(ROWS, plan, outcome.samples),
        cores=_lines(CORES, plan, outcome.samples),
        failures=list(outcome.failures),
        samples=list(outcome.samples),
    )


def _lines(rows: Iterable[Row], plan: Plan, samples: Sequence[Sample]) -> list[Line]:
    lines = (_line(row, _values(row, plan, samples)) for row in rows)
    return [line for line in lines if line.figures]


def _values(
    row: Row, plan: Plan, samples: Sequence[Sample]
) -> Mapping[ServerName, Sequence[float]]:
    return {
        server: [
            sample.value
            for sample in samples
            if (sample.server, sample.work, sample.measure) == (server, row.work, row.measure)
        ]
        for server in plan.servers
    }


def _line(row: Row, values: Mapping[ServerName, Sequence[float]]) -> Line:
    figures = figures_of(values)
    ours = next((one.median for one in figures if one.server is ServerName.OURS), None)
    return Line(
        title=row.title,
        unit=row.unit,
        more_is_better=row.more_is_better,
        figures=figures,
        ratio=ratio_of(figures),
        under=row.under,
        at_least=row.at_least,
        met=None if ours is None else _met(row, ours),
    )


def _met(row: Row, value: float) -> bool | None:
    if row.under is not None:
        return value < row.under
    return None if row.at_least is None else value >= row.at_least
