"""The table of rules that operators read says what the rules are."""

from pathlib import Path

import pytest

from whatchat.anomalies.overrides import Change, changed
from whatchat.anomalies.rule import Rule
from whatchat.anomalies.rules import RULES
from whatchat.observability.metrics import Metrics

DOCUMENT = Path(__file__).parents[3] / "docs" / "security.md"
ACTIONS = {"log": "log", "alert": "alert", "sign_out": "sign out"}
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def section() -> str:
    _, _, rest = DOCUMENT.read_text().partition("\n## Anomalies\n")
    return rest.partition("\n## ")[0]


def lasting(seconds: int) -> str:
    length, unit = next(one for one in UNITS if seconds % one[0] == 0)
    count = seconds // length
    return f"{count} {unit}{'s' * (count > 1)}"


def row(rule: Rule) -> str:
    action = ACTIONS.get(rule.action)
    if action is None:
        action = f"slow down {rule.slow_factor} times for {lasting(rule.slow_seconds)}"
    threshold = f"{rule.threshold:,}"
    return f"| `{rule.name}` | {rule.about} | {threshold} | {lasting(rule.seconds)} | {action} |"


def test_every_rule_has_its_row_and_there_are_no_others() -> None:
    rows = [line for line in section().splitlines() if line.startswith("| `")]
    assert rows == [row(rule) for rule in RULES]


@pytest.mark.parametrize("field", Change.__struct_fields__)
def test_everything_that_can_be_changed_is_named(field: str) -> None:
    assert f"`{field}`" in section()


def test_the_example_is_one(tmp_path: Path) -> None:
    example = section().partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "rules.toml"
    path.write_text(example)
    rules = {rule.name: rule for rule in changed(RULES, path)}
    assert rules["reconnects"].slow_factor == 10
    assert {rule.name for rule in RULES} - rules.keys() == {"new_devices"}


def test_the_metrics_are_named_as_they_are() -> None:
    exposed = Metrics().render().decode()
    for name in ("whatchat_anomalies_total", "whatchat_anomaly_sightings_dropped_total"):
        assert name in exposed
        assert name in section()
