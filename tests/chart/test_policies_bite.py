"""Each policy finds what it is there to find."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chart.cases import rendered
from tests.chart.policies.table import POLICIES
from tests.chart.policies.wiring import what_is_referred_to_is_there

Objects = list[dict[str, Any]]
CASE = "production-values.yaml"


def the(objects: Objects, kind: str, name: str = "whatchat") -> Any:
    (found,) = (
        each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name
    )
    return found


def pod(objects: Objects) -> Any:
    return the(objects, "Deployment")["spec"]["template"]["spec"]


def container(objects: Objects) -> Any:
    return pod(objects)["containers"][0]


def security(objects: Objects) -> Any:
    return container(objects)["securityContext"]


def put(where: Callable[[Objects], Any], **fields: Any) -> Callable[[Objects], object]:
    return lambda objects: where(objects).update(fields)


def spec(kind: str, name: str = "whatchat") -> Callable[[Objects], Any]:
    return lambda objects: the(objects, kind, name)["spec"]


def metadata(kind: str) -> Callable[[Objects], Any]:
    return lambda objects: the(objects, kind)["metadata"]


def labels(objects: Objects) -> Any:
    return the(objects, "Deployment")["metadata"]["labels"]


def twice(objects: Objects) -> None:
    objects.append(objects[0])


def with_secret(objects: Objects) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "a-long-secret"}}
    objects.append({**secret, "metadata": {"name": "a", "annotations": {"is": "a-long-secret"}}})
    container(objects)["args"].append("--token=a-long-secret")


def with_store(objects: Objects) -> None:
    objects.append(
        {"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"serviceName": "x"}}
    )


SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "whatchat"}}
BROKEN: dict[str, Callable[[Objects], object]] = {
    "all_are_in_one_namespace": put(metadata("Deployment"), namespace="other"),
    "budgets_are_of_one_workload": put(spec("PodDisruptionBudget"), selector=SELECTOR),
    "images_are_of_a_version": put(container, image="whatchat/whatchat"),
    "labels_are_valid": put(labels, wrong="a value"),
    "labels_say_what_it_is": lambda objects: labels(objects).clear(),
    "monitors_find_what_they_scrape": put(spec("PodMonitor"), selector={"matchLabels": {"a": "b"}}),
    "names_are_short_enough": put(metadata("Deployment"), name="a" * 64),
    "names_are_used_once": twice,
    "network_policies_are_of_pods_and_ports": put(
        spec("NetworkPolicy"), ingress=[{"ports": [{"port": 1}]}]
    ),
    "no_container_may_do_more_than_its_user": put(security, capabilities={"add": ["SYS_TIME"]}),
    "no_token_of_the_cluster_is_mounted": put(pod, automountServiceAccountToken=True),
    "nobody_is_cut_off_at_the_end": put(pod, terminationGracePeriodSeconds=90),
    "nobody_runs_as_root": put(security, runAsUser=0),
    "pods_share_nothing_with_their_host": put(
        pod, volumes=[{"name": "host", "hostPath": {"path": "/"}}]
    ),
    "ports_have_names": put(container, ports=[{"containerPort": 8000}]),
    "probes_ask_different_things": lambda objects: put(
        container, livenessProbe=container(objects)["readinessProbe"]
    )(objects),
    "resources_are_set": put(container, resources={"requests": {"cpu": "1", "memory": "1Gi"}}),
    "root_file_systems_are_read_only": put(security, readOnlyRootFilesystem=False),
    "routes_lead_to_services": put(metadata("Service"), name="other"),
    "scalers_have_a_target_to_themselves": put(spec("Deployment"), replicas=3),
    "secret_variables_are_referred_to": put(
        container, env=[{"name": "WHATCHAT_ADMIN_TOKEN", "value": "x"}]
    ),
    "secrets_are_in_secrets_alone": with_secret,
    "secrets_say_nothing_beside": with_secret,
    "selectors_are_for_ever": put(
        spec("Deployment"), selector={"matchLabels": {"app.kubernetes.io/version": "1"}}
    ),
    "selectors_take_their_own_pods_alone": put(spec("Deployment"), selector=SELECTOR),
    "services_lead_to_one_workload": put(spec("Service"), selector=SELECTOR["matchLabels"]),
    "stateful_sets_have_their_service": with_store,
    "system_calls_are_filtered": put(security, seccompProfile={"type": "Unconfined"}),
    "the_world_reaches_public_ports_alone": put(
        spec("Service", "whatchat-internal"), type="LoadBalancer"
    ),
    "updates_take_nobody_away": put(spec("Deployment"), strategy={"type": "Recreate"}),
    "whoever_is_served_is_drained": put(container, lifecycle={}),
}
"""What breaks each policy."""


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_finds_what_breaks_it(policy: str) -> None:
    objects: Objects = [dict(copy.deepcopy(each)) for each in rendered(CASE)]
    assert list(POLICIES[policy](objects)) == []
    BROKEN[policy](objects)
    assert list(POLICIES[policy](objects))


def test_what_is_referred_to_and_not_there_is_found() -> None:
    assert (
        list(what_is_referred_to_is_there(rendered(CASE), {"whatchat-secrets", "chat-tls"})) == []
    )
    missing = list(what_is_referred_to_is_there(rendered(CASE), set()))
    assert "Ingress whatchat: no Secret chat-tls" in missing
    assert "Deployment whatchat: no Secret whatchat-secrets" in missing
