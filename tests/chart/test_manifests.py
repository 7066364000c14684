"""The manifests in ``k8s/`` are those of the chart, and kustomize makes of them what will run."""

import subprocess
from functools import cache

import pytest

from tests.chart.helm import ROOT, Object, program, read, the
from tests.chart.manifests import drift
from tests.chart.policies.table import POLICIES
from tests.chart.policies.wiring import what_is_referred_to_is_there
from tests.chart.schemas import VERSIONS, complaints, custom_complaints, is_custom, named
from tests.chart.workloads import of_kind

OVERLAYS = ("dev", "prod", "loadtest")
RESULTS = "loadtest/results"
GIVEN = {"dev": set[str](), "prod": {"whatchat", "chat-tls"}, "loadtest": {"whatchat"}}
"""Secrets that k8s/README.md has one make before."""


@cache
def built(overlay: str) -> tuple[Object, ...]:
    done = subprocess.run(
        [program("kubectl"), "kustomize", ROOT / "k8s" / "overlays" / overlay],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return tuple(read(done.stdout))


def test_the_manifests_are_those_of_the_chart() -> None:
    assert drift() == [], "run `make k8s`"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_of_kubernetes_schemas(overlay: str) -> None:
    custom = [each for each in built(overlay) if is_custom(each)]
    own = [each for each in built(overlay) if not is_custom(each)]
    found = {
        f"{version}: {named(each)}": said
        for version in VERSIONS
        for each in own
        if (said := complaints(each, version))
    }
    assert found | custom_complaints(custom) == {}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_keeps_every_policy(overlay: str) -> None:
    wrong = {
        name: said for name, policy in POLICIES.items() if (said := list(policy(built(overlay))))
    }
    assert wrong == {}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_whole_but_for_the_secrets_that_its_readme_names(overlay: str) -> None:
    assert list(what_is_referred_to_is_there(built(overlay), GIVEN[overlay])) == []
    readme = (ROOT / "k8s" / "README.md").read_text()
    assert all(
        f"secret tls {name}" in readme or f"generic {name}" in readme for name in GIVEN[overlay]
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_is_in_one_namespace_which_is_made_and_holds_pods_to_the_restricted_standard(
    overlay: str,
) -> None:
    labels = the(built(overlay), "Namespace", "whatchat")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    spaces = {each["metadata"].get("namespace") for each in built(overlay)}
    assert spaces == {"whatchat", None}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_in_it_claims_to_be_helm_s(overlay: str) -> None:
    for found in built(overlay):
        keys = {*found["metadata"].get("labels", {}), *found["metadata"].get("annotations", {})}
        assert not [key for key in keys if "helm" in key or key.endswith("managed-by")]


def test_another_configuration_makes_new_pods() -> None:
    names = {
        overlay: next(
            each["metadata"]["name"]
            for each in of_kind(built(overlay), "ConfigMap")
            if "WHATCHAT_ENV" in each["data"]
        )
        for overlay in OVERLAYS
    }
    assert len(set(names.values())) == len(OVERLAYS)


def test_production_has_all_that_an_operator_wants() -> None:
    kinds = {each["kind"] for each in built("prod")}
    assert kinds >= {
        "HorizontalPodAutoscaler",
        "Ingress",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PodMonitor",
        "PrometheusRule",
    }
    assert the(built("prod"), "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 3
    assert the(built("prod"), "Ingress")["spec"]["tls"]
    assert not of_kind(built("prod"), "StatefulSet", "Secret")


def test_load_tests_are_limited_by_pods_alone() -> None:
    config = next(
        each for each in of_kind(built("loadtest"), "ConfigMap") if "WHATCHAT_ENV" in each["data"]
    )
    assert config["data"]["WHATCHAT_RATE_LIMITS"] == "off"
    resources = the(built("loadtest"), "Deployment", "whatchat")["spec"]["template"]["spec"]
    (container,) = resources["containers"]
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_the_dashboards_are_those_in_their_folder() -> None:
    folder = ROOT / "dashboards"
    there = {path.name: path.read_text() for path in folder.glob("*.json")}
    rendered = {
        key.removeprefix("whatchat-"): text
        for each in of_kind(built("prod"), "ConfigMap")
        for key, text in each["data"].items()
        if key.endswith(".json")
    }
    assert rendered == there
