"""How pictures of a run look: a white card, readable on light and dark pages."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from loadtests.colours import AMBER, GREY, INK, PALE, PAPER, RED, SLATE

BESIDE: Final = 80
"""So many letters a row of a legend has at most, with each line's mark as wide as six."""

ROOM: Final = 1.12
"""How far a panel goes beyond its highest value."""

_WIDTH, _HEAD, _FOOT, _PANEL = 9.0, 1.0, 0.5, 2.5  # inches
_LEFT, _RIGHT = 0.09, 0.98  # of the width
_STYLE: Final[Any] = {
    "svg.hashsalt": "whatchat",  # ids in the file are the same from time to time
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.edgecolor": SLATE,
    "axes.labelcolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.xmargin": 0,
    "grid.color": PALE,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
}

Panel = Callable[[Axes], None]
"""Draws into axes of its own."""


def save(path: Path, title: str, about: str, panels: Sequence[Panel]) -> None:
    """Write an SVG of these panels, one below the other."""
    height = _HEAD + (_PANEL + _FOOT) * len(panels)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height), facecolor=PAPER)
        figure.text(_LEFT, 1 - 0.33 / height, title, size=14, weight="bold")
        figure.text(_LEFT, 1 - 0.55 / height, about, color=GREY)
        grid = figure.add_gridspec(
            len(panels),
            1,
            left=_LEFT,
            right=_RIGHT,
            top=1 - _HEAD / height,
            bottom=_FOOT / height,
            hspace=_FOOT * 1.6 / _PANEL,
        )
        for row, panel in enumerate(panels):
            panel(figure.add_subplot(grid[row]))
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def headed(axes: Axes, title: str, across: str) -> None:
    """Say what a panel shows, and what its horizontal axis is."""
    axes.set_title(title)
    axes.set_xlabel(across, loc="right")


def legend(axes: Axes) -> None:
    """Name the lines, above the panel and beside its title."""
    names = axes.get_legend_handles_labels()[1]
    rows = -(-sum(len(name) + 6 for name in names) // BESIDE)
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=-(-len(names) // max(1, rows)),
        handlelength=1.2,
        columnspacing=1.2,
        borderaxespad=0.2,
    )


def numbered(axis: Axis, unit: str = "", room: float = ROOM) -> None:
    """Have an axis begin with nought, and write its values in full."""
    _, highest = axis.get_view_interval()
    axis.set_view_interval(0, room * highest, ignore=True)
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}{unit}"))


def bounded(axes: Axes, bound: float, says: str) -> None:
    """A line that values should stay below."""
    axes.axhline(bound, color=RED, linestyle=":", linewidth=1.2, label=says)


def spanned(axes: Axes, start: float, end: float, says: str) -> None:
    """Shade the time in which something was done to the servers."""
    axes.axvspan(start, end, color=AMBER, alpha=0.2, linewidth=0, zorder=0.1, label=says)
    for at in (start, end):
        axes.axvline(at, color=AMBER, linewidth=0.8)


def divided(axes: Axes, at: float, says: str) -> None:
    """Where a part of the run begins, and what it is called."""
    axes.axvline(at, color=PALE, linewidth=1, zorder=0.5)
    axes.annotate(
        says,
        (at, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -9),
        textcoords="offset points",
        color=GREY,
        size=8,
        bbox={"facecolor": PAPER, "linewidth": 0, "pad": 0.5},
    )
