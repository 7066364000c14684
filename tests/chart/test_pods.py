"""What the pods of the chart may do, where they run, and how they are watched."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.helm import Object, render, the
from whatchat.entrypoints.probes import CHECK_SECONDS

EVERY_KIND = {"commonLabels": {"team": "chat"}, "commonAnnotations": {"example.org/owner": "chat"}}
OURS = ("whatchat", "whatchat-worker")


def pods(objects: list[Object]) -> Iterator[tuple[str, Any]]:
    """Each pod template, by the name of what makes the pods."""
    for each in objects:
        if each["kind"] in {"Deployment", "StatefulSet"}:
            yield each["metadata"]["name"], each["spec"]["template"]


def containers(pod: Any) -> list[Any]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def pod_of(name: str, values: dict[str, Any] | None = None) -> Any:
    return dict(pods(render(values)))[name]


def test_there_are_pods_workers_and_the_trial_stores() -> None:
    assert {name for name, _ in pods(render())} == {*OURS, "whatchat-mongodb", "whatchat-redis"}


def test_every_pod_keeps_the_restricted_standard() -> None:
    for name, pod in pods(render()):
        spec = pod["spec"]
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] > 0, name
        assert security["runAsGroup"] > 0, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, container["name"]
            assert not any("hostPort" in port for port in container.get("ports", []))
    assert the(render(), "ServiceAccount")["automountServiceAccountToken"] is False


def test_every_container_has_its_memory_for_certain_and_its_limits() -> None:
    for _, pod in pods(render()):
        for container in containers(pod):
            asked, most = container["resources"]["requests"], container["resources"]["limits"]
            assert asked["memory"] == most["memory"], container["name"]
            assert {"cpu", "memory"} == asked.keys() == most.keys()


@pytest.mark.parametrize("name", OURS)
def test_pods_are_asked_on_the_internal_port(name: str) -> None:
    container = pod_of(name)["spec"]["containers"][0]
    asked = {
        kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")
    }
    assert {probe["port"] for probe in asked.values()} == {"internal"}
    assert {kind: probe["path"] for kind, probe in asked.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["internal"] == 9000


def test_a_pod_is_asked_often_and_killed_only_when_it_has_long_been_deaf() -> None:
    container = pod_of("whatchat")["spec"]["containers"][0]
    ready, alive = container["readinessProbe"], container["livenessProbe"]
    assert ready["timeoutSeconds"] > CHECK_SECONDS
    assert alive["periodSeconds"] * alive["failureThreshold"] >= 60


@pytest.mark.parametrize("name", OURS)
def test_pods_spread_over_zones_and_hosts(name: str) -> None:
    made = the(render(), "Deployment", name)["spec"]
    spread = made["template"]["spec"]["topologySpreadConstraints"]
    keys = [each["topologyKey"] for each in spread]
    assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for each in spread:
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"
        assert each["labelSelector"]["matchLabels"] == made["selector"]["matchLabels"]
        assert each["matchLabelKeys"] == ["pod-template-hash"]


@pytest.mark.parametrize("name", OURS)
def test_an_update_takes_no_pod_away_before_another_is_there(name: str) -> None:
    spec = the(render(), "Deployment", name)["spec"]
    assert spec["progressDeadlineSeconds"] > 300, "a pod may wait that long for the store"
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }


def test_arguments_are_the_command_lines_own() -> None:
    server, worker = (pod_of(name)["spec"] for name in OURS)
    assert server["containers"][0]["args"] == ["serve", "--host", "0.0.0.0", "--port", "8000"]
    assert worker["containers"][0]["args"] == ["worker", "--host", "0.0.0.0"]
    for spec in (server, worker):
        assert spec["initContainers"][-1]["args"] == ["migrate", "--wait", "300"]
        assert [each["name"] for each in spec["initContainers"]] == ["initiate", "migrate"]
    outside = {"mongodb": {"enabled": False, "url": "mongodb://db/whatchat"}}
    spec = pod_of("whatchat", outside)["spec"]
    assert [each["name"] for each in spec["initContainers"]] == ["migrate"]
    assert "volumes" not in spec


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"drainSeconds": 31}},
        {"config": {"anomalyRules": "[flood]\n"}},
        {"secrets": {"adminToken": "an-operator's-token"}},
        {"mongodb": {"enabled": False, "url": "mongodb://db/whatchat"}},
    ],
)
@pytest.mark.parametrize("name", OURS)
def test_another_configuration_is_another_pod(name: str, change: dict[str, Any]) -> None:
    before, after = (pod_of(name, values)["metadata"]["annotations"] for values in ({}, change))
    assert before != after
    assert all(len(digest) <= 16 for digest in after.values())


def test_what_is_made_up_and_the_charts_version_are_no_reason_for_new_pods() -> None:
    metadata = pod_of("whatchat")["metadata"]
    other = pod_of("whatchat", {"extraObjects": []})["metadata"]
    assert metadata == other  # rendered apart: each has made up its own secret
    assert "helm.sh/chart" not in metadata["labels"]


@pytest.mark.parametrize(("part", "name"), [("server", OURS[0]), ("worker", OURS[1])])
def test_what_a_cluster_wants_of_pods_is_passed_on(part: str, name: str) -> None:
    volume = {"name": "more", "emptyDir": {}}
    container = {"name": "beside", "image": "example.org/beside:1"}
    given: dict[str, Any] = {
        "podLabels": {"tier": "chat"},
        "podAnnotations": {"example.org/note": "yes"},
        "nodeSelector": {"pool": "chat"},
        "tolerations": [{"key": "chat", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
        "extraEnv": [{"name": "TZ", "value": "UTC"}],
        "extraEnvFrom": [{"secretRef": {"name": "more"}}],
        "extraVolumes": [volume],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "extraInitContainers": [container],
        "sidecars": [container],
        "topologySpreadConstraints": [{"maxSkew": 2}],
    }
    pod = pod_of(name, {part: given})
    spec = pod["spec"]
    assert pod["metadata"]["labels"]["tier"] == "chat"
    assert pod["metadata"]["annotations"]["example.org/note"] == "yes"
    passed = ("nodeSelector", "tolerations", "affinity", "priorityClassName", "dnsConfig")
    for key in (*passed, "topologySpreadConstraints"):
        assert spec[key] == given[key], key
    chat = spec["containers"][0]
    assert given["extraEnv"][0] in chat["env"]
    assert given["extraEnvFrom"][0] in chat["envFrom"]
    assert volume in spec["volumes"]
    assert given["extraVolumeMounts"] == chat["volumeMounts"]
    assert spec["containers"][1:] == [container] == spec["initContainers"][2:]


def test_labels_and_annotations_of_all_are_on_all() -> None:
    objects = render(EVERY_KIND)
    for each in objects:
        assert each["metadata"]["labels"]["team"] == "chat", each
        assert each["metadata"]["annotations"]["example.org/owner"] == "chat", each
    for name, pod in pods(objects):
        assert pod["metadata"]["labels"]["team"] == "chat", name
        assert pod["metadata"]["annotations"]["example.org/owner"] == "chat", name


def test_how_many_is_left_to_whoever_scales() -> None:
    assert the(render(), "Deployment", "whatchat")["spec"]["replicas"] == 2
    scaled = the(render({"autoscaling": {"kind": "hpa"}}), "Deployment", "whatchat")
    assert "replicas" not in scaled["spec"]


def test_no_worker_is_made_where_there_is_to_be_none() -> None:
    names = {each["metadata"]["name"] for each in render({"worker": {"enabled": False}})}
    assert not any(name.startswith("whatchat-worker") for name in names)


def test_an_image_is_a_version_or_a_digest() -> None:
    digest = f"sha256:{'0' * 64}"
    values = {part: {"image": {"digest": digest}} for part in ("mongodb", "redis")}
    for _, pod in pods(render(values | {"image": {"digest": digest}})):
        assert all(each["image"].endswith(f"@{digest}") for each in containers(pod))
    for _, pod in pods(render()):
        for each in containers(pod):
            assert each["image"].rpartition(":")[2][0].isdigit(), each["image"]
