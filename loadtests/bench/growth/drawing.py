"""A curve as a panel of a picture: medians as lines, the rounds' range behind them."""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from loadtests.bench.growth.curves import Value
from loadtests.bench.growth.plan import Work
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Point, Series
from loadtests.swarm.views.chart import Panel, headed, legend, numbered

RANGE: Final = 0.18
"""How much of a line's colour its range has."""


class Line(NamedTuple):
    """Its name, its colour, what it shows of a point, and of which backlog."""

    name: str
    colour: str
    value: Value
    backlog: int = 0


class Way(NamedTuple):
    """What the axes are."""

    along: str
    unit: str
    log_x: bool
    log_y: bool


def across(along: str, *, unit: str, log_x: bool = False, log_y: bool = False) -> Way:
    """Axes along so much of something."""
    return Way(along, unit, log_x, log_y)


class Curve:
    """Some lines through the points of one work."""

    def __init__(
        self,
        report: Report,
        work: Work,
        series: Series,
        *lines: Line,
        place: Callable[[Point], float] | None = None,
    ) -> None:
        self.lines = lines
        self._points = report.of(work, series)
        self._place = place

    def through(self, line: Line) -> list[tuple[float, list[float]]]:
        """The places that a line goes through, and what the rounds found at each."""
        found: dict[int, list[Point]] = {}
        for point in sorted(self._points, key=lambda one: one.x):
            if point.backlog == line.backlog:
                found.setdefault(point.x, []).append(point)
        places = [(x, [_value(line, one) for one in some]) for x, some in found.items()]
        known = [(x, [one for one in values if one is not None]) for x, values in places]
        return [(self._at(found[x]), values) for x, values in known if values]

    def _at(self, points: list[Point]) -> float:
        return median(map(self._place, points)) if self._place else points[0].x


def drawn(curve: Curve, title: str, way: Way) -> Panel:
    """A panel of that curve."""
    return partial(_draw, curve, title, way)


def logarithmic(axis: Axis, unit: str = "", *, between: bool = True) -> None:
    """Have an axis go by powers of ten, written in full, and what is ``between`` as well."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if between else (1,), numticks=30))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}{unit}"))
    axis.set_minor_formatter(NullFormatter())


def _draw(curve: Curve, title: str, way: Way, axes: Axes) -> None:
    for line in curve.lines:
        if through := curve.through(line):
            places = [place for place, _ in through]
            values = [values for _, values in through]
            axes.fill_between(
                places,
                list(map(min, values)),
                list(map(max, values)),
                color=line.colour,
                alpha=RANGE,
                linewidth=0,
            )
            axes.plot(
                places,
                list(map(median, values)),
                marker="o",
                markersize=4,
                color=line.colour,
                linewidth=1.6,
                label=line.name,
            )
    _scaled(axes, way)
    headed(axes, title, way.along)
    if len(curve.lines) > 1:
        legend(axes)


def _scaled(axes: Axes, way: Way) -> None:
    axes.margins(x=0.02)
    if way.log_x:
        axes.set_xscale("log")
        logarithmic(axes.xaxis)
    else:
        numbered(axes.xaxis)
    if way.log_y:
        axes.set_yscale("log")
        logarithmic(axes.yaxis, way.unit)
    else:
        numbered(axes.yaxis, way.unit)


def _value(line: Line, point: Point) -> float | None:
    """What a line shows of a point; ``None`` if it has no such figure."""
    try:
        return line.value(point)
    except (KeyError, ZeroDivisionError):
        return None
