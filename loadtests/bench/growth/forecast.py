"""What the model says against connections, with the measured points that it comes from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes

from loadtests.bench.growth.curves import Value, of
from loadtests.bench.growth.drawing import logarithmic
from loadtests.bench.growth.model import Bounds, Crowd, Model, Needs, needs
from loadtests.bench.growth.plan import Work
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Measure, Series
from loadtests.bench.growth.tables import CROWDS
from loadtests.colours import GREY, LIME, SKY, TEAL
from loadtests.swarm.views.chart import bounded, headed, legend

PLACES: Final = [round(10 ** (3 + step / 20)) for step in range(61)]
"""Connections, from a thousand to a million."""

SILENT: Final = Crowd(name="silent", per_minute=0, room_size=10)
GIBI: Final = 2**30

Of = Callable[[Needs], float]

PARTS: Final[Sequence[tuple[str, str, Of, Measure]]] = (
    ("pods", TEAL, lambda one: one.pod_cores, Measure.POD_CORES),
    ("MongoDB's primary", LIME, lambda one: one.mongo_cores, Measure.MONGO_CORES),
    ("Redis", SKY, lambda one: one.redis_cores, Measure.REDIS_CORES),
)
STYLES: Final[Mapping[str, Crowd]] = {"-": CROWDS[1], "--": CROWDS[0], ":": SILENT}


def cores(report: Report, model: Model, axes: Axes) -> None:
    """The cores of pods, MongoDB and Redis, whatever people do."""
    for name, colour, value, measure in PARTS:
        for style, crowd in STYLES.items():
            _line(axes, model, crowd, value, colour, style=style)
        _measured(axes, report, of(measure), colour)
        axes.plot([], [], color=colour, label=name)
    for style, crowd in STYLES.items():
        axes.plot([], [], color=GREY, linestyle=style, label=crowd.name)
    bounded(axes, Bounds().share, f"{Bounds().share:.0%} of one")
    _finished(axes, "Cores")


def memory(report: Report, model: Model, axes: Axes) -> None:
    """The memory of pods and of Redis."""
    for name, colour, value, measure in (
        ("all pods", TEAL, lambda one: one.pod_bytes / GIBI, Measure.POD_BYTES),
        ("Redis", SKY, lambda one: one.redis_bytes / GIBI, Measure.REDIS_BYTES),
    ):
        _line(axes, model, CROWDS[0], value, colour, style="-", label=name)
        _measured(axes, report, of(measure, 1 / GIBI), colour)
    _finished(axes, "Memory", " GiB")


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
    logarithmic(axes.xaxis, between=False)
    logarithmic(axes.yaxis, unit, between=False)
    headed(axes, title, "connections (dots: measured on one pod, nobody talking)")
    legend(axes)
