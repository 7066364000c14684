"""A pod has the time that its end may take, and its Service the time to hear of it."""

from typing import Any

import pytest

from tests.chart.helm import render, the
from whatchat.entrypoints import ending
from whatchat.worker import FINISH_SECONDS

MARGIN_SECONDS = 5

SPREADING_SECONDS = 1
"""So long a proxy may take to follow the endpoints."""


def pod_of(name: str, values: dict[str, Any]) -> Any:
    return the(render(values), "Deployment", name)["spec"]["template"]["spec"]


@pytest.mark.parametrize(("drain", "pre_stop"), [(30, 5), (0, 1), (3600, 20)])
def test_a_pod_is_not_killed_before_it_can_have_ended(drain: int, pre_stop: int) -> None:
    spec = pod_of(
        "whatchat", {"config": {"drainSeconds": drain}, "server": {"preStopSeconds": pre_stop}}
    )
    assert spec["containers"][0]["lifecycle"]["preStop"] == {"sleep": {"seconds": pre_stop}}
    longest = pre_stop + ending.longest_end(drain)
    assert spec["terminationGracePeriodSeconds"] == longest + MARGIN_SECONDS


def test_a_worker_is_not_killed_before_it_can_have_ended() -> None:
    longest = FINISH_SECONDS + ending.GRACE_SECONDS + ending.CLOSE_SECONDS
    spec = pod_of("whatchat-worker", {})
    assert spec["terminationGracePeriodSeconds"] == longest + MARGIN_SECONDS


def test_who_is_to_end_is_out_of_the_endpoints_before_newcomers_are_refused() -> None:
    ready = pod_of("whatchat", {})["containers"][0]["readinessProbe"]
    unready_within = ready["periodSeconds"] * ready["failureThreshold"]
    assert unready_within < ending.ENDPOINT_SECONDS - SPREADING_SECONDS


def test_more_time_can_be_given() -> None:
    given = {"terminationGracePeriodSeconds": 600}
    for name, part in (("whatchat", "server"), ("whatchat-worker", "worker")):
        assert pod_of(name, {part: given})["terminationGracePeriodSeconds"] == 600


@pytest.mark.parametrize("workers", [1, 2])
def test_a_drain_of_nodes_takes_one_at_a_time(workers: int) -> None:
    objects = render({"worker": {"replicas": workers}})
    budgets = {
        each["metadata"]["name"]: each["spec"]
        for each in objects
        if each["kind"] == "PodDisruptionBudget"
    }
    assert budgets.keys() == {"whatchat", *(["whatchat-worker"] if workers > 1 else [])}
    for name, spec in budgets.items():
        assert spec["maxUnavailable"] == 1
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        assert spec["selector"] == the(objects, "Deployment", name)["spec"]["selector"]
