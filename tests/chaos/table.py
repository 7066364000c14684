"""Outcomes as a table."""

from collections.abc import Sequence

from tests.chaos.outcome import Outcome

HEAD = (
    "Fault",
    "Clients",
    "Accepted",
    "Changed",
    "No answer",
    "Lost",
    "Duplicated",
    "Time to converge",
    "Longest delivery",
)


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown, a row for each."""
    lines = [_line(HEAD), _line(("---", *("---:" for _ in HEAD[1:])))]
    return "\n".join([*lines, *(_line(_cells(one)) for one in outcomes)]) + "\n"


def _cells(one: Outcome) -> tuple[str, ...]:
    return (
        f"{one.fault}: {len(one.problems)} PROBLEMS" if one.problems else one.fault,
        f"{one.clients:,}",
        f"{one.accepted:,}",
        f"{one.changed:,}",
        f"{one.unknown:,}",
        f"{one.lost:,}",
        f"{one.duplicated:,}",
        "never" if one.lost else f"{one.converged:.1f} s",
        f"{one.longest:.1f} s",
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
