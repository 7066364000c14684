"""The Services: one for people, one for operators, one with every pod by its address."""

from typing import Any

import pytest

from tests.chart.helm import render, the

OF_PODS = ("whatchat", "whatchat-internal", "whatchat-headless")


@pytest.mark.parametrize("name", OF_PODS)
def test_a_service_finds_pods_and_no_workers(name: str) -> None:
    objects = render()
    chosen = the(objects, "Service", name)["spec"]["selector"].items()
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"].items()
        for each in objects
        if each["kind"] in {"Deployment", "StatefulSet"}
    }
    assert [found for found, has in labels.items() if chosen <= has] == ["whatchat"]


def test_people_come_to_the_chat_alone_and_operators_to_the_other_port() -> None:
    ports = {
        name: {port["name"]: (port["port"], port["targetPort"]) for port in spec["ports"]}
        for name in OF_PODS
        for spec in [the(render(), "Service", name)["spec"]]
    }
    assert ports == {
        "whatchat": {"http": (80, "http")},
        "whatchat-internal": {"internal": (9000, "internal")},
        "whatchat-headless": {"http": (8000, "http"), "internal": (9000, "internal")},
    }


def test_the_internal_ones_stay_inside_whatever_the_public_one_is() -> None:
    objects = render({"service": {"type": "LoadBalancer"}})
    assert the(objects, "Service", "whatchat-internal")["spec"]["type"] == "ClusterIP"
    headless = the(objects, "Service", "whatchat-headless")["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True


@pytest.mark.parametrize(
    ("values", "policy", "affinity"),
    [
        ({}, None, "None"),
        ({"type": "LoadBalancer"}, "Local", "ClientIP"),
        ({"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"}, "Cluster", "ClientIP"),
        ({"type": "NodePort", "sessionAffinity": "None"}, None, "None"),
    ],
)
def test_without_an_ingress_clients_keep_their_address_and_their_pod(
    values: dict[str, Any], policy: str | None, affinity: str
) -> None:
    spec = the(render({"service": values}), "Service", "whatchat")["spec"]
    assert spec.get("externalTrafficPolicy") == policy
    assert spec["sessionAffinity"] == affinity


def test_what_a_load_balancer_wants_is_passed_on() -> None:
    given = {
        "type": "LoadBalancer",
        "port": 443,
        "nodePort": 30443,
        "loadBalancerClass": "example.org/lb",
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "annotations": {"example.org/lb": "internal"},
    }
    service = the(render({"service": given}), "Service", "whatchat")
    spec = service["spec"]
    assert spec["ports"][0]["port"] == 443
    assert spec["ports"][0]["nodePort"] == 30443
    assert spec["loadBalancerClass"] == "example.org/lb"
    assert spec["loadBalancerSourceRanges"] == ["192.0.2.0/24"]
    assert service["metadata"]["annotations"] == {"example.org/lb": "internal"}


@pytest.mark.parametrize(
    ("values", "name", "made"),
    [
        ({}, "whatchat", True),
        ({"create": False}, "default", False),
        ({"create": False, "name": "of-my-own"}, "of-my-own", False),
    ],
)
def test_pods_run_as_an_account_that_may_nothing(
    values: dict[str, Any], name: str, made: bool
) -> None:
    objects = render({"serviceAccount": values})
    accounts = [each for each in objects if each["kind"] == "ServiceAccount"]
    assert bool(accounts) is made
    for each in objects:
        if each["kind"] in {"Deployment", "StatefulSet"}:
            assert each["spec"]["template"]["spec"]["serviceAccountName"] == name
    assert not [each for each in objects if "Role" in each["kind"]]
