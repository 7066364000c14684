"""What the model says against connections, with the measured points that it comes from."""

from collections.abc import Callable, Sequence
from typing import Final

from matplotlib.axes import Axes

from loadtests.bench.growth.curves import Value, of
from loadtests.bench.growth.drawing import logarithmic
from loadtests.bench.growth.model import Bounds, Crowd, Model, Needs, needs
from loadtests.bench.growth.plan import Work
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Measure, Series
from loadtests.bench.growth.tables import CROWDS
from loadtests.colours import GREY, LIME, RED, SKY, TEAL
from loadtests.swarm.chart import headed, legend

PLACES: Final = [round(10 ** (3 + step / 20)) for step in range(61)]
"""Connections, from a thousand to a million."""

SILENT: Final = Crowd(name="silent", per_minute=0, room_size=10)
GIBI: Final = 2**30

Of = Callable[[Needs], float]


def cores(report: Report, model: Model, axes: Axes) -> None:
    """The cores of pods, MongoDB and Redis; bold where it is lively, dotted where it is silent."""
    parts: Sequence[tuple[str, str, Of, Measure]] = (
        ("pods", TEAL, lambda one: one.pod_cores, Measure.POD_CORES),
        ("MongoDB's primary", LIME, lambda one: one.mongo_cores, Measure.MONGO_CORES),
        ("Redis", SKY, lambda one: one.redis_cores, Measure.REDIS_CORES),
    )
    usual, lively = CROWDS
    for name, colour, value, measure in parts:
        _line(axes, model, lively, value, colour, style="-", label=f"{name}, {lively.name}")
        _line(axes, model, usual, value, colour, style="--", label=f"{name}, {usual.name}")
        _line(axes, model, SILENT, value, colour, style=":")
        _measured(axes, report, of(measure), colour)
    axes.axhline(Bounds().share, color=RED, linewidth=1, linestyle=":")
    axes.annotate("60 % of one core", (PLACES[0], Bounds().share), color=RED, size=8, va="bottom")
    _finished(axes, "Cores: lively, usual, and dotted with nobody talking (dots: measured)")


def memory(report: Report, model: Model, axes: Axes) -> None:
    """The memory of pods and of Redis."""
    usual = CROWDS[0]
    _line(axes, model, usual, lambda one: one.pod_bytes / GIBI, TEAL, style="-", label="all pods")
    _line(axes, model, usual, lambda one: one.redis_bytes / GIBI, SKY, style="-", label="Redis")
    _measured(axes, report, of(Measure.POD_BYTES, 1 / GIBI), TEAL)
    _measured(axes, report, of(Measure.REDIS_BYTES, 1 / GIBI), SKY)
    _finished(axes, "Memory (dots: measured, on one pod)", " GiB")


def _line(
    axes: Axes, model: Model, crowd: Crowd, value: Of, colour: str, *, style: str, label: str = ""
) -> None:
    values = [value(needs(model, crowd, Bounds(), place)) for place in PLACES]
    axes.plot(PLACES, values, color=colour, linestyle=style, linewidth=1.5, label=label or None)


def _measured(axes: Axes, report: Report, value: Value, colour: str) -> None:
    points = [one for one in report.of(Work.CONNECTIONS, Series.REST) if one.x]
    values = [(one.x, value(one)) for one in points if value(one) > 0]
    axes.plot(
        [x for x, _ in values],
        [y for _, y in values],
        "o",
        markersize=4.5,
        color=colour,
        markeredgecolor=GREY,
        markeredgewidth=0.5,
    )


def _finished(axes: Axes, title: str, unit: str = "") -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.02)
    logarithmic(axes.xaxis)
    logarithmic(axes.yaxis, unit)
    headed(axes, title, "connections")
    legend(axes)
