"""A report in words: tables that people read, in Markdown."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Final

from loadtests.bench.durable.report import Line, Report
from loadtests.bench.tables import number

_PACKAGES: Final = ("pymongo", "hiredis", "uvloop", "picows")

_BUSY: Final = (
    "How busy everybody was, in per cent of one core. With one pod it has the first core, and "
    "all else shares the last; several pods share both:"
)


def tables(report: Report) -> str:
    """All tables of a report, and what went wrong."""
    parts = [
        _about(report),
        _table(report.lines, wanted=True),
        _BUSY,
        _table(report.cores, wanted=False),
        *(f"Round {one.round}, {one.work} failed: {one.reason}" for one in report.failures),
    ]
    return "\n\n".join(parts) + "\n"


def _about(report: Report) -> str:
    machine, plan = report.machine, report.plan
    versions = {**report.versions, **{name: version(name) for name in _PACKAGES}}
    parts = ", ".join(f"{name} {at}" for name, at in versions.items())
    return (
        f"{machine.date}, {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib} GiB, Linux {machine.kernel}; Python {machine.python}, {parts}. "
        f"{plan.connections:,} connections, {plan.rate:,.0f} msg/s, rounds: {plan.rounds}, "
        f"{plan.seconds:g} s at each rate. Medians, and in brackets the least and the most."
    )


def _table(lines: Sequence[Line], *, wanted: bool) -> str:
    head = ["", "Whatchat", *(("wanted", "met") if wanted else ())]
    body = [
        [f"{line.title}, {line.unit}", _cell(line), *(_verdict(line) if wanted else ())]
        for line in lines
    ]
    return "\n".join(map(_row, [head, ["---"] * len(head), *body]))


def _cell(line: Line) -> str:
    if line.least == line.most:
        return number(line.median)
    return f"{number(line.median)} ({number(line.least)} to {number(line.most)})"


def _verdict(line: Line) -> tuple[str, str]:
    met = {True: "yes", False: "**no**", None: ""}[line.met]
    if line.under is not None:
        return f"< {line.under:g}", met
    return ("" if line.at_least is None else f"≥ {line.at_least:,.0f}"), met


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
