"""Every name in the rules is a real one, and every alert is tested and says what it is about."""

import re
from collections.abc import Mapping
from typing import Final

import pytest

from dashboards.source.objectives import DELIVERED_WITHIN, OWN_FAULT, SHARE
from dashboards.source.vocabulary import PLACES, declared
from tests.unit.alerts import promql, rule_files
from whatchat.observability.metrics import SECONDS
from whatchat.pod import documented

FOREIGN: Final[Mapping[str, frozenset[str]]] = {
    "kube_horizontalpodautoscaler_spec_max_replicas": frozenset({"horizontalpodautoscaler"}),
    "kube_horizontalpodautoscaler_spec_min_replicas": frozenset({"horizontalpodautoscaler"}),
    "kube_horizontalpodautoscaler_status_current_replicas": frozenset({"horizontalpodautoscaler"}),
    "process_max_fds": frozenset(),
    "process_open_fds": frozenset(),
    "up": frozenset(),
}
"""What the rules read that is not ours, and its labels: kube-state-metrics, Python, Prometheus."""

DASHBOARDS: Final = frozenset(
    f"whatchat-{name}"
    for name in ("overview", "debug", "pods", "broker", "store", "rollouts", "load")
)


LABELS: Final = {**dict(declared()), **FOREIGN}


@pytest.mark.parametrize("alert", rule_files.names())
def test_every_alert_is_seen_to_fire_and_not_to_fire(alert: str) -> None:
    asked = [bool(one.exp_alerts) for one in rule_files.questions() if one.alertname == alert]
    assert asked.count(True) >= 1
    assert asked.count(False) >= 2


def test_each_severity_of_an_alert_is_seen_to_fire() -> None:
    seen = {
        (one.alertname, expected["exp_labels"]["severity"])
        for one in rule_files.questions()
        for expected in one.exp_alerts
    }
    assert seen == {(rule.alert, rule.labels["severity"]) for rule in rule_files.alerts()}


def test_every_test_is_of_an_alert_that_is_there() -> None:
    assert {one.alertname for one in rule_files.questions()} == set(rule_files.names())


def test_rules_read_nothing_but_what_is_declared_recorded_or_known() -> None:
    recorded = {rule.record for rule in rule_files.rules()}
    for rule in rule_files.rules():
        unknown = promql.metrics(rule.expr) - recorded - set(LABELS)
        assert not unknown, (rule.alert or rule.record, unknown)


def test_everything_recorded_is_read() -> None:
    read = {name for rule in rule_files.rules() for name in promql.metrics(rule.expr)}
    for_dashboards = {"namespace:whatchat_delivery_failures:rate5m"}
    assert {rule.record for rule in rule_files.rules() if rule.record} <= read | for_dashboards


def test_rules_match_and_group_by_labels_that_are_there() -> None:
    known = PLACES.union(*LABELS.values())
    for rule in rule_files.rules():
        assert promql.groupings(rule.expr) <= known, rule
        for metric, label, _ in promql.matchers(rule.expr):
            assert label in LABELS[metric] | PLACES, (metric, label)


def test_bounds_of_buckets_are_those_that_there_are() -> None:
    for rule in rule_files.rules():
        for _, label, value in promql.matchers(rule.expr):
            assert label != "le" or float(value) in SECONDS


def test_commands_in_the_objectives_are_commands() -> None:
    commands = {bound.row.command.__name__ for bound in documented().endpoints}
    patterns = {
        value
        for rule in rule_files.rules()
        for _, label, value in promql.matchers(rule.expr)
        if label == "command"
    }
    (pattern,) = patterns
    counted = {name for name in commands if re.fullmatch(pattern, name)}
    assert counted == {
        "SendMessage",
        "EditMessage",
        "DeleteMessage",
        "AddReaction",
        "RemoveReaction",
    }


def test_each_objective_is_stated_once() -> None:
    stated = [rule for rule in rule_files.rules() if rule.record.endswith("_objective:ratio")]
    assert [rule.record for rule in stated] == [
        "whatchat:connect_objective:ratio",
        "whatchat:delivery_objective:ratio",
    ]
    shares = {rule.expr for rule in stated} | {f"{1 - float(rule.expr):.3f}" for rule in stated}
    others = [rule for rule in rule_files.rules() if rule not in stated]
    assert not [rule for rule in others if any(share in rule.expr for share in shares)]


def test_alerts_dashboards_and_pages_mean_the_same_objectives() -> None:
    stated = [rule for rule in rule_files.rules() if rule.record.endswith("_objective:ratio")]
    assert {float(rule.expr) for rule in stated} == {SHARE}
    indicators = [rule for rule in rule_files.rules() if rule.record.endswith(":rate5m")]
    matched = {found for rule in indicators for found in promql.matchers(rule.expr)}
    values = {value for _, label, value in matched if label in {"reason", "le"}}
    assert values == {OWN_FAULT, str(DELIVERED_WITHIN)}
    page = (rule_files.ROOT / "docs" / "slo.md").read_text()
    assert page.count(f"| {SHARE * 100:.1f} % |") == len(stated)
    assert f"within {DELIVERED_WITHIN * 1000:.0f} ms" in page


@pytest.mark.parametrize("rule", rule_files.alerts(), ids=lambda rule: rule.alert)
def test_every_alert_says_what_somebody_woken_needs(rule: rule_files.Rule) -> None:
    assert rule.labels.keys() == {"severity"}
    assert rule.labels["severity"] in {"page", "ticket"}
    assert rule.annotations.keys() == {"summary", "description", "runbook_url", "dashboard_uid"}
    assert "$value" in rule.annotations["description"]
    assert rule.annotations["runbook_url"] == f"docs/runbooks/{rule.alert}.md"
    assert rule.annotations["dashboard_uid"] in DASHBOARDS
