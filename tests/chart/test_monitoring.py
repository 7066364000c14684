"""What Prometheus and Grafana are given is what lies in ``dashboards/``, where they look for it."""

import base64
import gzip
import json
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.chart.helm import CHART, ROOT, Object, render, render_text, the
from tests.chart.network import matches
from tests.unit.alerts import rule_files

BOARDS: Final = sorted((ROOT / "dashboards").glob("*.json"))
BASE: Final = "https://git.example.org/whatchat/blob/main"
MOST_BYTES: Final = 1 << 20
"""What a ConfigMap and a Secret may hold; Helm keeps each release in a Secret."""

RULES: Final = {"enabled": True, "labels": {"release": "prometheus"}}
EVERYTHING: Final[Mapping[str, Any]] = {
    "monitoring": {"monitor": "pod", "rules": RULES, "dashboards": {"enabled": True}}
}


@cache
def everything() -> Sequence[Object]:
    return render(EVERYTHING)


def groups(**rules: Any) -> list[Any]:
    """The groups of the rendered rule, as YAML has them."""
    objects = render({"monitoring": {"rules": {**RULES, **rules}}})
    found: list[Any] = the(objects, "PrometheusRule", "whatchat")["spec"]["groups"]
    return found


def test_unless_asked_there_is_nothing_that_needs_an_operator() -> None:
    kinds = {each["kind"] for each in render()}
    assert not {"PodMonitor", "ServiceMonitor", "PrometheusRule"} & kinds


def test_a_pod_monitor_finds_pods_and_workers_by_their_port() -> None:
    monitor = the(everything(), "PodMonitor", "whatchat")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    for name in ("whatchat", "whatchat-worker"):
        template = the(everything(), "Deployment", name)["spec"]["template"]
        assert matches(monitor["selector"], template["metadata"]["labels"])
        ports = template["spec"]["containers"][0]["ports"]
        assert endpoint["port"] in {port["name"] for port in ports}
    for name in ("whatchat-mongodb", "whatchat-redis"):
        template = the(everything(), "StatefulSet", name)["spec"]["template"]
        assert not matches(monitor["selector"], template["metadata"]["labels"])


def test_a_service_monitor_finds_pods_and_workers_once() -> None:
    objects = render({"monitoring": {"monitor": "service"}})
    monitor = the(objects, "ServiceMonitor", "whatchat")["spec"]
    services = [
        each["spec"]
        for each in objects
        if each["kind"] == "Service" and matches(monitor["selector"], each["metadata"]["labels"])
    ]
    components = [each["selector"]["app.kubernetes.io/component"] for each in services]
    assert sorted(components) == ["server", "worker"]
    (endpoint,) = monitor["endpoints"]
    assert {port["name"] for each in services for port in each["ports"]} == {endpoint["port"]}
    assert all(each["publishNotReadyAddresses"] for each in services)


@pytest.mark.parametrize("kind", ["pod", "service"])
@pytest.mark.parametrize(
    ("name", "job"), [("", "whatchat"), ("talk", "whatchat-talk"), ("our-whatchat", "our-whatchat")]
)
def test_rules_know_the_job_whatever_the_release_is_called(kind: str, name: str, job: str) -> None:
    objects = render({"fullnameOverride": name, "monitoring": {"monitor": kind}})
    monitor = the(objects, {"pod": "PodMonitor", "service": "ServiceMonitor"}[kind])["spec"]
    (endpoint,) = monitor["podMetricsEndpoints" if kind == "pod" else "endpoints"]
    given = {"targetLabel": "job", "action": "replace", "replacement": job}
    assert endpoint["relabelings"] == [given]
    assert endpoint["honorLabels"] is False


def test_the_rules_are_those_of_the_repository() -> None:
    sources = [yaml.safe_load(path.read_text())["groups"] for path in rule_files.RULES]
    assert groups() == [group for source in sources for group in source]


def test_monitors_and_rules_have_the_labels_that_prometheus_selects_by() -> None:
    values = {"monitor": "pod", "labels": {"release": "prometheus"}, "rules": RULES}
    objects = render({"monitoring": values})
    for kind in ("PodMonitor", "PrometheusRule"):
        labels = the(objects, kind)["metadata"]["labels"]
        assert labels["release"] == "prometheus"
        assert labels["app.kubernetes.io/name"] == "whatchat"


def test_runbooks_are_where_they_can_be_read() -> None:
    found = [
        rule["annotations"]["runbook_url"]
        for group in groups(runbookBase=f"{BASE}/")
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert len(found) == len(rule_files.alerts())
    assert all((ROOT / url.removeprefix(f"{BASE}/")).is_file() for url in found)


def test_single_alerts_are_switched_off_and_the_rest_is_labelled() -> None:
    off = ["WhatchatSocketsImbalanced", "WhatchatDeliveryErrorBudgetBurn"]
    found = [
        rule
        for group in groups(disabled=off, alertLabels={"team": "chat", "severity": "info"})
        for rule in group["rules"]
    ]
    alerts = [rule for rule in found if "alert" in rule]
    assert {rule["alert"] for rule in alerts} == set(rule_files.names()) - set(off)
    assert all(rule["labels"] == {"team": "chat", "severity": "info"} for rule in alerts)
    recorded = {rule["record"] for rule in found if "record" in rule}
    assert recorded == {rule.record for rule in rule_files.rules() if rule.record}


@pytest.fixture(scope="module")
def rendered_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the rendered rules as files of Prometheus' own, named as their sources are."""
    folder = tmp_path_factory.mktemp("rules")
    rendered = {group["name"]: group for group in groups()}
    for path in rule_files.RULES:
        names = [group["name"] for group in yaml.safe_load(path.read_text())["groups"]]
        found = {"groups": [rendered.pop(name) for name in names]}
        (folder / path.name).write_text(yaml.safe_dump(found))
    assert not rendered
    return folder


def promtool(*arguments: str | Path) -> None:
    command = ["promtool", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_rendered_rules(rendered_rules: Path) -> None:
    promtool("check", "rules", "--lint-fatal", *rendered_rules.iterdir())


QUICK: Final = [path for path in rule_files.TESTS if not path.name.startswith("slo")]
"""Those of the objectives take seconds; their rules are equal to those tested elsewhere."""


def test_the_rendered_rules_pass_the_tests_of_the_rules(
    rendered_rules: Path, tmp_path: Path
) -> None:
    assert len(QUICK) == 4
    for path in QUICK:
        case = yaml.safe_load(path.read_text())
        case["rule_files"] = [str(rendered_rules / Path(file).name) for file in case["rule_files"]]
        (tmp_path / path.name).write_text(yaml.safe_dump(case))
    promtool("test", "rules", *(tmp_path / path.name for path in QUICK))


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
def test_dashboards_are_those_of_the_repository_byte_for_byte(board: Path) -> None:
    held = the(everything(), "ConfigMap", f"whatchat-dashboards-{board.stem}")
    assert held["data"] == {f"whatchat-{board.name}": board.read_text()}
    assert len(json.dumps(held)) < MOST_BYTES
    assert held["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert held["metadata"]["annotations"] == {"grafana_folder": "Whatchat"}


def test_every_dashboard_is_there_and_nothing_else() -> None:
    names = {
        each["metadata"]["name"]
        for each in everything()
        if "grafana_dashboard" in each["metadata"].get("labels", {})
    }
    assert names == {f"whatchat-dashboards-{board.stem}" for board in BOARDS}
    assert not any("-dashboards-" in each["metadata"]["name"] for each in render())


def test_dashboards_are_where_and_how_the_sidecar_looks() -> None:
    dashboards = {
        "enabled": True,
        "labels": {"grafana_dashboard": None, "dashboards": "yes"},
        "annotations": {"grafana_folder": None, "k8s-sidecar-target-directory": "/tmp/whatchat"},
        "namespace": "monitoring",
    }
    objects = render({"monitoring": {"dashboards": dashboards}})
    held = the(objects, "ConfigMap", "whatchat-dashboards-overview")["metadata"]
    assert (held["namespace"], held["labels"]["dashboards"]) == ("monitoring", "yes")
    assert "grafana_dashboard" not in held["labels"]
    assert held["annotations"] == {"k8s-sidecar-target-directory": "/tmp/whatchat"}


def test_a_release_with_everything_fits_into_the_secret_that_helm_keeps_it_in() -> None:
    """Chart and manifest are in it as JSON, compressed; twice over by base64."""
    files = [*CHART.rglob("*.*"), *BOARDS, *rule_files.RULES]
    chart = [base64.b64encode(path.read_bytes()).decode() for path in files if path.is_file()]
    release = json.dumps({"chart": chart, "manifest": render_text(EVERYTHING)})
    kept = base64.b64encode(base64.b64encode(gzip.compress(release.encode())))
    assert len(kept) < MOST_BYTES / 2
