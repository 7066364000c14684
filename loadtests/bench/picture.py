"""A report as a picture: a panel for each figure, the servers' bars side by side (SVG)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from loadtests.bench.plan import ServerName
from loadtests.bench.report import Compared, Figure, Report
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
    """A report on sockets as a picture."""
    machine, plan = report.machine, report.plan
    about = (
        f"{plan.connections:,} connections, one core for the server; rounds: {plan.rounds}, "
        f"medians; {machine.date}; {machine.processor}"
    )
    title = "Socket.IO servers under the same load" + ", on Redis" * plan.redis
    return drawing(title, about, report.lines, NAMES)


def drawing(
    title: str, about: str, lines: Iterable[Compared], names: Mapping[ServerName, str]
) -> str:
    """An SVG document, readable on light and dark pages."""
    panels = [line for line in lines if line.figures and not _is_dull(line)]
    rows = -(-len(panels) // _COLUMNS)
    width = 2 * _MARGIN + _COLUMNS * _WIDTH
    height = _TOP + rows * _HEIGHT + _MARGIN
    heading = _text(_MARGIN, 36, title, size=18, weight=600)
    heading += _text(_MARGIN, 58, about, colour="#64748b")
    body = "".join(_panel(line, *_place(index), names) for index, line in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" rx="8" fill="#ffffff"/>{heading}{body}</svg>\n'
    )


def _is_dull(line: Compared) -> bool:
    """Whether every server has the same figure."""
    return len({round(figure.median, 3) for figure in line.figures}) == 1


def _place(index: int) -> tuple[int, int]:
    """Where a panel begins."""
    row, column = divmod(index, _COLUMNS)
    return _MARGIN + column * _WIDTH, _TOP + row * _HEIGHT


def _panel(line: Compared, left: int, top: int, names: Mapping[ServerName, str]) -> str:
    wish = "more is better" if line.more_is_better else "less is better"
    unit = f"{line.unit}, {wish}" if line.unit else wish
    parts = [
        _text(left, top + 18, line.title, weight=600),
        _text(left, top + 33, unit, size=10, colour="#64748b"),
    ]
    scale = _scale(line.figures)
    for index, figure in enumerate(line.figures):
        at = top + 42 + index * (_BAR + 4)
        parts.append(_text(left, at + _BAR / 2 + 4, names[figure.server], colour="#334155"))
        parts.append(_bar(figure, left + _NAME, at, scale))
    return "".join(parts)


def _scale(figures: Sequence[Figure]) -> float:
    """The value of the longest bar."""
    values = sorted((figure.median for figure in figures), reverse=True)
    if len(values) > 1 and values[1] and values[0] > _CUT * values[1]:
        return _CUT * values[1]
    return values[0] or 1


def _bar(figure: Figure, start: int, top: int, scale: float) -> str:
    length = min(1.0, figure.median / scale) * (_WIDTH - _NAME - _VALUE - 12)
    end = start + length
    return "".join(
        (
            _block(start, top, max(length, 1), COLOURS[figure.server]),
            *(_cut(end, top) if figure.median > scale else ()),
            _text(end + 6, top + _BAR / 2 + 4, number(figure.median), weight=600),
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
