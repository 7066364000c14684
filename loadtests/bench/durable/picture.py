"""A comparison as a picture."""

from loadtests.bench.durable.report import Report
from loadtests.bench.durable.tables import NAMES, about
from loadtests.bench.picture import drawing


def picture(report: Report) -> str:
    """An SVG document."""
    machine = report.machine
    words = f"{about(report)}; medians; {machine.date}; {machine.processor}"
    title = "Durable chat: the same load, MongoDB and Redis for both"
    return drawing(title, words, report.lines, NAMES)
