"""The table of all metrics, as a page."""

from typing import Any, Final

from whatchat.observability.declared import Declared
from whatchat.observability.metrics import declarations

HEAD: Final = """\
# Metrics

All that pods and workers tell of themselves at `/metrics`, beside `process_*` and `python_*`.
Made from `src/whatchat/observability/metrics.py` by `whatchat schema metrics`.

It is Prometheus' text format, or OpenMetrics, with units and exemplars, for those who ask for it.
Histograms have `_bucket`, `_sum` and `_count`. In brackets: how many values a label has at most.

| Name | Type | Unit | Labels | What it says |
|---|---|---|---|---|
"""


def metrics_page() -> str:
    """The page; the same table always gives the same."""
    return HEAD + "".join(_row(declared) for _, declared in declarations())


def _row(declared: Declared[Any]) -> str:
    labels = ", ".join(f"`{name}` ({most})" for name, most in declared.labels.items())
    cells = (f"`{declared.exposed}`", declared.kind, declared.unit, labels, declared.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
