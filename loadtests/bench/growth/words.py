"""How figures are written."""

from collections.abc import Iterable, Sequence
from statistics import median

MEBI = 2**20


def short(value: float) -> str:
    """A value with the digits that count: three, or all before the point."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.{2 if abs(value) < 10 else 1}f}"


def spread(values: Sequence[float], factor: float = 1.0) -> str:
    """The median of the rounds, and in brackets the least and the most where they differ."""
    middle, least, most = (short(factor * of(values)) for of in (median, min, max))
    return middle if least == most else f"{middle} ({least} to {most})"


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    rows = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
