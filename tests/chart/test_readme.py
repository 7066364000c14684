"""The chart's page says of every value what it is for, and what it shows works."""

import re
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, Object, render
from tests.chart.readme import README, Value, readme, sections
from tests.chart.workloads import each_container
from whatchat import __version__

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
META = yaml.safe_load((CHART / "Chart.yaml").read_text())
ROWS = [value for section in sections() for value in section.values]


def test_the_page_is_what_the_values_make_it() -> None:
    assert README.read_text() == readme(), "run `make chart-docs`"


@pytest.mark.parametrize("row", ROWS, ids=[row.path for row in ROWS])
def test_a_value_says_what_it_is_for(row: Value) -> None:
    assert row.comment, f"{row.path} has no comment that begins with `# --`"
    assert row.comment.endswith((".", "`", "…")), "a comment of several lines lacks its end"


def test_every_value_is_on_the_page() -> None:
    said = {row.path for row in ROWS if row.default}
    missing = [path for path in leaves(VALUES) if not said & set(prefixes(path))]
    assert missing == []


def leaves(value: Any, path: str = "") -> list[str]:
    if not isinstance(value, dict) or not value:
        return [path]
    return [leaf for key in value for leaf in leaves(value[key], f"{path}.{key}".lstrip("."))]


def prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def test_every_section_says_what_it_is() -> None:
    assert [section.name for section in sections()[1:] if not section.comment] == []


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", readme()):
        assert (CHART / link).exists(), link


def test_values_for_production_are_taken() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", readme(), re.DOTALL)
    kinds = {each["kind"] for each in render(yaml.safe_load(text))}
    assert kinds >= {"Ingress", "HorizontalPodAutoscaler", "PodMonitor", "PrometheusRule"}
    assert not kinds & {"StatefulSet", "Secret"}


def images(objects: list[Object]) -> set[str]:
    return {container["image"] for _, _, container in each_container(objects)}


def test_what_artifact_hub_is_told_of_images_is_what_is_rendered() -> None:
    told = yaml.safe_load(META["annotations"]["artifacthub.io/images"])
    assert {each["image"] for each in told} == images(render())


def test_what_artifact_hub_is_told_is_true() -> None:
    told = META["annotations"]
    assert f"{told['artifacthub.io/license']} License" in (CHART.parents[1] / "LICENSE").read_text()
    assert told["artifacthub.io/operator"] == "false"
    changes = yaml.safe_load(told["artifacthub.io/changes"])
    assert all(each.keys() == {"kind", "description"} for each in changes)
    kinds = {"added", "changed", "deprecated", "removed", "fixed", "security"}
    assert {each["kind"] for each in changes} <= kinds


def test_the_chart_is_of_this_version() -> None:
    assert META["appVersion"] == __version__
