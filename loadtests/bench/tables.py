"""A report in words: tables that people read, in Markdown."""

from collections.abc import Iterable, Sequence
from typing import Final

from loadtests.bench.plan import ServerName
from loadtests.bench.report import Compared, Figure, Line, Report

NAMES: Final = {
    ServerName.OURS: "Whatchat",
    ServerName.STOCK: "python-socketio",
    ServerName.NODE: "Node socket.io",
}

_BUSY: Final = (
    "How busy the cores were. A load near 100 % would measure itself, and what others used "
    "was in the way:"
)


def tables(report: Report) -> str:
    """All tables of a report, and what went wrong."""
    parts = [
        _about(report),
        _figures(report, report.lines, ratios=True),
        _BUSY,
        _figures(report, report.cores, ratios=False),
        *(
            f"Round {failure.round}, {failure.work}: {NAMES[failure.server]} failed: "
            f"{failure.reason}"
            for failure in report.failures
        ),
    ]
    return "\n\n".join(parts) + "\n"


def number(value: float) -> str:
    """A value as people read it: three digits that count."""
    for least, digits in ((100, 0), (10, 1)):
        if round(value, digits) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.2f}"


def titled(line: Compared) -> str:
    """What a row is about, with its unit."""
    return f"{line.title}, {line.unit}" if line.unit else line.title


def ratio(line: Compared) -> str:
    """Ours ÷ Node's, if there is such."""
    return "" if line.ratio is None else f"{line.ratio:.2f}"


def grid(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(map(_row, [head, ["---"] * len(head), *body]))


def _about(report: Report) -> str:
    machine, plan = report.machine, report.plan
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    return (
        f"{machine.date}, {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib} GiB, Linux {machine.kernel}; "
        f"Python {machine.python}, Node {machine.node}, {packages}. "
        f"{plan.connections:,} connections, rounds: {plan.rounds}, {plan.seconds:g} s at each "
        f"rate{', every server with its Redis adapter' if plan.redis else ''}. Medians, and in "
        f"brackets the least and the most."
    )


def _figures(report: Report, lines: Sequence[Line], *, ratios: bool) -> str:
    servers = report.plan.servers
    head = ["", *(NAMES[server] for server in servers)]
    if ratios:
        head += ["ours ÷ Node", "at most", "met"]
    body = [
        [
            titled(line),
            *(cell(line.of(server)) for server in servers),
            *(_verdict(line) if ratios else ()),
        ]
        for line in lines
    ]
    return grid(head, body)


def cell(figure: Figure | None) -> str:
    """A median, and in brackets the least and the most; empty without a figure."""
    if figure is None:
        return ""
    if figure.least == figure.most:
        return number(figure.median)
    return f"{number(figure.median)} ({number(figure.least)} to {number(figure.most)})"


def _verdict(line: Line) -> tuple[str, str, str]:
    met = {True: "yes", False: "**no**", None: ""}[line.met]
    return (
        ratio(line),
        "" if line.at_most is None else f"{line.at_most:.2f}",
        met,
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
