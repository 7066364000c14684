"""The autoscalers: what they go by, how quickly, and what they are called."""

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import pytest

from tests.chart.helm import Object, render, the
from whatchat.observability.metrics import Metrics

PROMETHEUS: Final = {"prometheus": "http://prometheus.monitoring:9090"}
SYNC_SECONDS: Final = 15
"""How often the autoscaler looks, unless its controller is told otherwise."""


@cache
def rendered(kind: str) -> Sequence[Object]:
    return render({"autoscaling": {"kind": kind, "keda": PROMETHEUS}})


def behavior(kind: str) -> Any:
    if kind == "hpa":
        return the(rendered(kind), "HorizontalPodAutoscaler")["spec"]["behavior"]
    advanced = the(rendered(kind), "ScaledObject")["spec"]["advanced"]
    return advanced["horizontalPodAutoscalerConfig"]["behavior"]


def grown(pods: int, seconds: int, behavior: Any) -> int:
    """How many pods there are once far more were wanted for so long, by the rules of Kubernetes."""
    up = behavior["scaleUp"]
    assert up["selectPolicy"] == "Max"
    added: list[tuple[int, int]] = []
    for now in range(0, seconds + 1, SYNC_SECONDS):
        if now < up["stabilizationWindowSeconds"]:
            continue
        limits = []
        for policy in up["policies"]:
            began = pods - sum(
                count for then, count in added if now - then < policy["periodSeconds"]
            )
            part = math.ceil(began * (1 + policy["value"] / 100))
            limits.append(part if policy["type"] == "Percent" else began + policy["value"])
        if max(limits) > pods:
            added.append((now, max(limits) - pods))
            pods = max(limits)
    return pods


def test_unless_asked_nobody_scales() -> None:
    objects = render()
    assert not {"HorizontalPodAutoscaler", "ScaledObject"} & {each["kind"] for each in objects}
    assert the(objects, "Deployment", "whatchat")["spec"]["replicas"] == 2


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_replicas_are_the_autoscalers_alone(kind: str) -> None:
    assert "replicas" not in the(rendered(kind), "Deployment", "whatchat")["spec"]
    absent = {"hpa": "ScaledObject", "keda": "HorizontalPodAutoscaler"}[kind]
    assert absent not in {each["kind"] for each in rendered(kind)}


def test_the_autoscaler_goes_by_sockets_and_by_the_cpu_of_our_own_container() -> None:
    objects = rendered("hpa")
    spec = the(objects, "HorizontalPodAutoscaler", "whatchat")["spec"]
    target = the(objects, spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
    sockets, cpu = spec["metrics"]
    metric = sockets["pods"]
    assert metric["metric"]["name"] in metric_names()
    assert metric["target"] == {"type": "AverageValue", "averageValue": "5000"}
    (container,) = (
        each
        for each in target["spec"]["template"]["spec"]["containers"]
        if each["name"] == cpu["containerResource"]["container"]
    )
    assert "cpu" in container["resources"]["requests"]


def test_keda_goes_by_the_same_and_makes_an_autoscaler_that_alerts_know() -> None:
    spec = the(rendered("keda"), "ScaledObject", "whatchat")["spec"]
    assert spec["scaleTargetRef"]["name"] == "whatchat"
    assert spec["advanced"]["horizontalPodAutoscalerConfig"]["name"] == "whatchat"
    sockets, cpu = spec["triggers"]
    assert sockets["metadata"]["serverAddress"] == PROMETHEUS["prometheus"]
    assert (sockets["metricType"], sockets["metadata"]["threshold"]) == ("AverageValue", "5000")
    assert sockets["metadata"]["ignoreNullValues"] == "false"
    assert cpu["metadata"] == {"containerName": "whatchat", "value": "70"}
    assert spec["fallback"] == {
        "failureThreshold": 4,
        "replicas": 2,
        "behavior": "currentReplicasIfHigher",
    }


def test_keda_asks_for_the_pods_of_this_release_alone() -> None:
    query = the(rendered("keda"), "ScaledObject")["spec"]["triggers"][0]["metadata"]["query"]
    found = re.fullmatch(r'sum\((\w+)\{namespace="chat", pod=~"(.+)"\}\)', query)
    assert found
    assert found[1] in metric_names()
    pods = re.compile(found[2])
    assert pods.fullmatch("whatchat-6d9c7fb5b4-x2kq9")
    assert not pods.fullmatch("whatchat-other-6d9c7fb5b4-x2kq9")
    assert not pods.fullmatch("my-whatchat-6d9c7fb5b4-x2kq9")


def metric_names() -> set[str]:
    return {family.name for family in Metrics().registry.collect()}


def test_both_go_up_and_down_alike() -> None:
    assert behavior("hpa") == behavior("keda")


@pytest.mark.parametrize("pods", [2, 3, 4, 10, 50, 400])
def test_a_storm_of_reconnects_does_not_double_the_pods(pods: int) -> None:
    assert grown(pods, 100, behavior("hpa")) < 2 * pods


@pytest.mark.parametrize("pods", [2, 10, 50])
def test_a_load_that_lasts_has_twice_the_pods_within_minutes(pods: int) -> None:
    assert grown(pods, 50, behavior("hpa")) == pods  # a moment counts for nothing
    assert grown(pods, 360, behavior("hpa")) >= 2 * pods


def test_pods_go_one_at_a_time_and_late() -> None:
    down = behavior("hpa")["scaleDown"]
    assert down["stabilizationWindowSeconds"] >= 600
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 300}]


def test_what_does_not_count_is_not_asked_for() -> None:
    only_cpu = render({"autoscaling": {"kind": "keda", "sockets": 0}})
    spec = the(only_cpu, "ScaledObject")["spec"]
    assert [each["type"] for each in spec["triggers"]] == ["cpu"]
    assert "fallback" not in spec  # it is for triggers that can fail
    only_sockets = render({"autoscaling": {"kind": "hpa", "cpu": 0}})
    metrics = the(only_sockets, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert [each["type"] for each in metrics] == ["Pods"]


def test_whatever_the_release_is_called_alerts_know_its_autoscaler() -> None:
    objects = render({"fullnameOverride": "talk", "autoscaling": {"kind": "hpa"}})
    scaler = the(objects, "HorizontalPodAutoscaler", "whatchat-talk")
    assert scaler["spec"]["scaleTargetRef"]["name"] == "talk"
