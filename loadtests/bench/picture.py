"""A report as a picture: a panel for each figure, the servers' bars side by side (SVG)."""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from loadtests.bench.plan import ServerName
from loadtests.bench.report import Figure, Line, Report
from loadtests.bench.tables import NAMES, number
from loadtests.colours import LIME, SLATE, TEAL

COLOURS: Final = {
    ServerName.OURS: TEAL,
    ServerName.STOCK: SLATE,
    ServerName.NODE: LIME,
}

_COLUMNS: Final = 3
_WIDTH, _HEIGHT = 300, 132  # of a panel
_MARGIN: Final = 24
_TOP: Final = 92
_BAR: Final = 22
_NAME: Final = 100
_VALUE: Final = 52
_CUT: Final = 3.0
"""A bar longer than so many times the next one is cut, or nobody would see the others."""


def picture(report: Report) -> str:
    """An SVG document, readable on light and dark pages."""
    lines = [line for line in report.lines if line.figures and not _is_dull(line)]
    rows = -(-len(lines) // _COLUMNS)
    width = 2 * _MARGIN + _COLUMNS * _WIDTH
    height = _TOP + rows * _HEIGHT + _MARGIN
    body = "".join(
        _panel(line, _MARGIN + index % _COLUMNS * _WIDTH, _TOP + index // _COLUMNS * _HEIGHT)
        for index, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" rx="8" fill="#ffffff"/>{_heading(report)}{body}</svg>\n'
    )


def _is_dull(line: Line) -> bool:
    """Whether every server has the same figure."""
    return len({round(figure.median, 3) for figure in line.figures}) == 1


def _heading(report: Report) -> str:
    machine, plan = report.machine, report.plan
    about = (
        f"{plan.connections:,} connections, one core for the server; rounds: {plan.rounds}, "
        f"medians; {machine.date}; {machine.processor}"
    )
    title = "Socket.IO servers under the same load" + ", on Redis" * plan.redis
    return _text(_MARGIN, 36, title, size=18, weight=600) + _text(
        _MARGIN, 58, about, colour="#64748b"
    )


def _panel(line: Line, left: int, top: int) -> str:
    wish = "more is better" if line.more_is_better else "less is better"
    unit = f"{line.unit}, {wish}" if line.unit else wish
    parts = [
        _text(left, top + 18, line.title, weight=600),
        _text(left, top + 33, unit, size=10, colour="#64748b"),
    ]
    scale = _scale(line.figures)
    parts += [
        _bar(figure, left, top + 42 + index * (_BAR + 4), scale)
        for index, figure in enumerate(line.figures)
    ]
    return "".join(parts)


def _scale(figures: Sequence[Figure]) -> float:
    """The value of the longest bar."""
    values = sorted((figure.median for figure in figures), reverse=True)
    if len(values) > 1 and values[1] and values[0] > _CUT * values[1]:
        return _CUT * values[1]
    return values[0] or 1


def _bar(figure: Figure, left: int, top: int, scale: float) -> str:
    space = _WIDTH - _NAME - _VALUE - 12
    length = min(1.0, figure.median / scale) * space
    start, middle = left + _NAME, top + _BAR / 2 + 4
    return "".join(
        (
            _text(left, middle, NAMES[figure.server], colour="#334155"),
            _block(start, top, max(length, 1), COLOURS[figure.server]),
            *(_cut(start + length, top) if figure.median > scale else ()),
            _text(start + length + 6, middle, number(figure.median), weight=600),
        )
    )


def _block(left: int, top: int, width: float, colour: str) -> str:
    return (
        f'<rect x="{left}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="3" fill="{colour}"/>'
    )


def _cut(end: float, top: int) -> Iterator[str]:
    """Two strokes that say: this bar goes on."""
    for offset in (-16, -10):
        x = end + offset
        yield (
            f'<path d="M{x:.1f} {top + _BAR} L{x + 5:.1f} {top}" stroke="#ffffff" '
            f'stroke-width="2.5"/>'
        )


def _text(
    x: float, y: float, text: str, *, size: int = 12, weight: int = 400, colour: str = "#0f172a"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}">{escape(text)}</text>'
    )
