"""What is declared of metrics, and whether it is kept to."""

import re
import subprocess
from pathlib import Path

from whatchat.entrypoints.schema.metrics import metrics_page
from whatchat.observability.metrics import Metrics, declarations

SOURCE = Path(__file__).parents[3] / "src/whatchat"


def test_every_metric_is_set_somewhere() -> None:
    files = [path for path in SOURCE.rglob("*.py") if path != SOURCE / "observability/metrics.py"]
    code = "\n".join(path.read_text() for path in files)
    unset = {name for name, _ in declarations() if not re.search(rf"metrics\.{name}\b", code)}
    assert unset == set()


def test_names_are_as_prometheus_wants_them() -> None:
    metrics = Metrics()
    for attribute, declared in declarations():
        metric = getattr(metrics, attribute)
        child = metric.labels(*("value" for _ in declared.labels)) if declared.labels else metric
        if declared.kind == "histogram":
            child.observe(0.1)
        assert declared.name.startswith("whatchat_")
        # A unit of seconds or bytes ends the name.
        assert declared.unit not in {"seconds", "bytes"} or declared.name.endswith(declared.unit)
        assert not {"le", "quantile"} & declared.labels.keys()
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=metrics.render(),
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_a_node_has_so_many_series_at_most() -> None:
    """What a busy node exposes if every label takes all its values, buckets left out."""
    assert sum(declared.most_series for _, declared in declarations()) < 3_000


def test_the_page_has_a_row_for_every_metric() -> None:
    page = metrics_page()
    for _, declared in declarations():
        assert f"| `{declared.exposed}` | {declared.kind} | {declared.unit} |" in page
        assert declared.help.replace("|", "\\|") in page
