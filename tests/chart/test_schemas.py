"""Every object is one that the API server takes, without a field that it does not know."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Final

import pytest

from tests.chart.cases import CASES, rendered
from tests.chart.helm import Object
from tests.chart.schemas import (
    VERSIONS,
    complaints,
    custom_complaints,
    is_custom,
    named,
)

TOGETHER: Final = 2
"""So many Helms: most of what each takes is waiting for its program to be read."""


@pytest.mark.parametrize("case", CASES)
def test_every_example_is_of_kubernetes_schemas(case: str) -> None:
    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = pool.map(lambda version: rendered(case, kubernetes=version), VERSIONS)
    for version, objects in zip(VERSIONS, answers, strict=True):
        own = [each for each in objects if not is_custom(each)]
        wrong = {named(each): said for each in own if (said := complaints(each, version))}
        assert own
        assert wrong == {}, version


def test_every_custom_resource_is_of_its_schema() -> None:
    objects = [each for case in CASES for each in rendered(case) if is_custom(each)]
    assert custom_complaints(objects) == {}


DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "chat"},
    "spec": {"replicas": 2},
}
MONITOR: Object = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PodMonitor",
    "metadata": {"name": "chat", "labels": {"any": "label"}},
    "spec": {"selector": {"matchLabels": {"any": "label"}}, "podMetricsEndpoints": [{"port": "x"}]},
}


def test_fields_that_kubernetes_does_not_know_are_found() -> None:
    for version, part in product(VERSIONS, ("metadata", "spec")):
        wrong = {**DEPLOYMENT, part: {**DEPLOYMENT[part], "typo": 1}}
        assert any("'typo' was unexpected" in said for said in complaints(wrong, version))


def test_kinds_that_kubernetes_does_not_have_are_found() -> None:
    gone = {**DEPLOYMENT, "apiVersion": "apps/v1beta1"}
    assert complaints(gone, VERSIONS[-1]) == ["Kubernetes 1.37 has no apps/v1beta1 Deployment"]
    assert custom_complaints([gone]) == {
        "Deployment chat": ["no schema of apps/v1beta1 Deployment is at hand"]
    }


def test_fields_that_a_custom_resource_does_not_have_are_found() -> None:
    assert custom_complaints([MONITOR]) == {}
    endpoint = {"port": "x", "intervall": "10s", "scrapeTimeout": "ten seconds"}
    wrong = {**MONITOR, "spec": {**MONITOR["spec"], "podMetricsEndpoints": [endpoint]}}
    unknown, pattern = sorted(custom_complaints([wrong])["PodMonitor chat"])
    assert unknown == "/spec/podMetricsEndpoints/0/intervall: unknown"
    assert pattern.startswith("/spec/podMetricsEndpoints/0/scrapeTimeout: pattern")
