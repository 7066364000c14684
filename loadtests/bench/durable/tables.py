"""A report in words: tables that people read, in Markdown."""

from importlib.metadata import version
from typing import Final

from loadtests.bench.durable.report import Line, Report
from loadtests.bench.machine import node_packages
from loadtests.bench.plan import ServerName
from loadtests.bench.tables import cell, grid, ratio, titled

NAMES: Final = {ServerName.OURS: "Whatchat", ServerName.NODE: "Node stack"}

_PACKAGES: Final = ("pymongo", "hiredis", "uvloop", "picows")

_BUSY: Final = (
    "How busy everybody was, in per cent of one core. With one pod it has the first core, and "
    "all else shares the last; several pods share both:"
)


def tables(report: Report) -> str:
    """All tables of a report, and what went wrong."""
    parts = [
        _about(report),
        _verdicts(report) if not report.plan.compares else _ratios(report),
        _BUSY,
        grid(_head(report), [_cells(report, line) for line in report.cores]),
        *(
            f"Round {one.round}, {one.work}: {NAMES[one.server]} failed: {one.reason}"
            for one in report.failures
        ),
    ]
    return "\n\n".join(parts) + "\n"


def about(report: Report) -> str:
    """How much was done."""
    plan = report.plan
    return (
        f"{plan.connections:,} connections, {plan.rate:,.0f} msg/s, rounds: {plan.rounds}, "
        f"{plan.seconds:g} s at each rate"
    )


def _about(report: Report) -> str:
    machine = report.machine
    python = {name: version(name) for name in _PACKAGES}
    node = {"Node": machine.node, **node_packages()} if report.plan.compares else {}
    versions = {"Python": machine.python, **report.versions, **python, **node}
    return (
        f"{machine.date}, {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib} GiB, Linux {machine.kernel}; "
        f"{', '.join(f'{name} {at}' for name, at in versions.items())}. "
        f"{about(report)}. Medians, and in brackets the least and the most."
    )


def _verdicts(report: Report) -> str:
    body = [[*_cells(report, line), *_verdict(line)] for line in report.lines]
    return grid([*_head(report), "wanted", "met"], body)


def _ratios(report: Report) -> str:
    body = [[*_cells(report, line), ratio(line)] for line in report.lines]
    return grid([*_head(report), "ours ÷ Node"], body)


def _head(report: Report) -> list[str]:
    return ["", *(NAMES[server] for server in report.plan.servers)]


def _cells(report: Report, line: Line) -> list[str]:
    return [titled(line), *(cell(line.of(server)) for server in report.plan.servers)]


def _verdict(line: Line) -> tuple[str, str]:
    met = {True: "yes", False: "**no**", None: ""}[line.met]
    if line.under is not None:
        return f"< {line.under:g}", met
    return ("" if line.at_least is None else f"≥ {line.at_least:,.0f}"), met
