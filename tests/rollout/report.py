"""Figures as a page has them."""

from collections.abc import Callable, Sequence
from typing import Final

from tests.chaos.outcome import Outcome
from tests.rollout.figures import Figures, quantile

NOBODY: Final = "none"


def table(columns: Sequence[Figures]) -> str:
    """Markdown: a column for each."""
    lines = [
        _line(("", *(one.name for one in columns))),
        _line(("---", *("---:" for _ in columns))),
        *(_line((label, *(cell(one) for one in columns))) for label, cell in ROWS),
    ]
    return "\n".join(lines) + "\n"


def _judged(cell: Callable[[Outcome], str]) -> Callable[[Figures], str]:
    return lambda one: cell(one.outcome) if one.outcome else NOBODY


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


ROWS: Final[Sequence[tuple[str, Callable[[Figures], str]]]] = (
    ("Pods replaced, and workers", lambda one: f"{one.replaced} and {one.workers}"),
    ("People connected", _judged(lambda one: f"{one.clients:,}")),
    (
        "Messages accepted, and changes",
        _judged(lambda one: f"{one.accepted:,} and {one.changed:,}"),
    ),
    ("Lost", _judged(lambda one: f"{one.lost:,}")),
    ("Duplicated", _judged(lambda one: f"{one.duplicated:,}")),
    ("Other problems that the judge found", _judged(lambda one: f"{_other(one):,}")),
    ("Newcomers, by polling and by WebSocket", lambda one: f"{len(one.doors):,}"),
    ("Refused connects", lambda one: f"{len(one.refused) + len(one.barred):,}"),
    ("Newcomers' polling sessions that the proxy took elsewhere", lambda one: f"{one.torn:,}"),
    ("REST requests", lambda one: f"{len(one.requests):,}"),
    ("Failed REST requests", lambda one: f"{len(one.failed):,}"),
    ("Reconnects", lambda one: f"{len(one.gaps):,}"),
    ("Reconnect p50", lambda one: f"{one.gap(0.5):.2f} s"),
    ("Reconnect p99", lambda one: f"{one.gap(0.99):.2f} s"),
    ("Stock clients, polling first", lambda one: f"{one.stock:,}"),
    ("Their reconnects", lambda one: f"{len(one.stock_gaps):,}"),
    ("Their reconnect p50", lambda one: f"{quantile(one.stock_gaps, 0.5):.2f} s"),
    ("Their reconnect p99", lambda one: f"{quantile(one.stock_gaps, 0.99):.2f} s"),
    ("Departures a second, if spread evenly", lambda one: f"{one.evenly:.0f}"),
    ("Most connects a second on any pod", lambda one: f"{one.storm:.0f}"),
    ("Most connects a second on all pods", lambda one: f"{one.storm_in_all:.0f}"),
    ("Longest delivery", _judged(lambda one: f"{one.longest:.1f} s")),
    ("Pods killed, their grace being over", lambda one: f"{one.killed}"),
    ("Duration", lambda one: f"{one.seconds:.0f} s"),
    ("Load of the machine (two cores), on average", lambda one: f"{one.load:.1f}"),
)


def _other(one: Outcome) -> int:
    return len(one.problems) - one.lost - one.duplicated
