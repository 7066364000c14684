"""Of what pods are made, what they may use, how they are watched and how they end."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.chart.helm import Object
from tests.chart.workloads import Workload, each_container, of_kind, workloads
from whatchat.entrypoints.ending import longest_end

IMAGE: Final = re.compile(
    r"(?:[a-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9._/-]+(?::(?P<tag>[\w.-]+)|@sha256:[0-9a-f]{64})"
)
UNITS: Final = {
    "m": 0.001,
    "": 1,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
}
PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")


def quantity(text: object) -> float:
    """What Kubernetes understands by `500m` or `1Gi`."""
    matched = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text))
    if not matched or matched[2] not in UNITS:
        raise ValueError(f"{text} is no quantity")
    return float(matched[1]) * UNITS[matched[2]]


def images_are_of_a_version(objects: Sequence[Object]) -> Iterator[str]:
    for name, _, container in each_container(objects):
        matched = IMAGE.fullmatch(container["image"])
        if matched is None or matched["tag"] in ("latest", "stable", "edge"):
            yield f"{name}: {container['image']}"


def resources_are_set(objects: Sequence[Object]) -> Iterator[str]:
    for name, _, container in each_container(objects):
        resources = container.get("resources", {})
        for kind in ("cpu", "memory"):
            least = resources.get("requests", {}).get(kind)
            most = resources.get("limits", {}).get(kind)
            if least is None or most is None:
                yield f"{name}: requests or limits of {kind} are not set"
            elif not 0 < quantity(least) <= quantity(most):
                yield f"{name}: requests {least} of {kind} and may use {most}"


def probes_ask_different_things(objects: Sequence[Object]) -> Iterator[str]:
    for workload in filter(lambda each: each.endless, workloads(objects)):
        for container in workload.containers:
            name = f"{workload}, {container['name']}"
            missing = [probe for probe in PROBES if probe not in container]
            if missing:
                yield f"{name}: no {', '.join(missing)}"
                continue
            _, live, ready = (container[probe] for probe in PROBES)
            if live == ready or ("httpGet" in live and _path(live) == _path(ready)):
                yield f"{name}: liveness asks what readiness asks"
            if _patience(live) <= _patience(ready):
                yield f"{name}: it would be killed before it is taken out of service"


def nobody_is_cut_off_at_the_end(objects: Sequence[Object]) -> Iterator[str]:
    for workload in workloads(objects):
        sleeps = [
            each["lifecycle"]["preStop"]["sleep"]["seconds"]
            for each in workload.containers
            if "preStop" in each.get("lifecycle", {})
        ]
        if not sleeps:
            continue
        drain = float(_variables(workload, objects)["WHATCHAT_DRAIN_SECONDS"])
        grace = workload.pod.get("terminationGracePeriodSeconds", 30)
        if grace <= max(sleeps) + longest_end(drain):
            yield f"{workload}: {grace} s of grace, of which {max(sleeps)} in preStop"


def whoever_is_served_is_drained(objects: Sequence[Object]) -> Iterator[str]:
    """Pods that people connect to go on for a while once they are to end."""
    for workload in workloads(objects):
        for container in workload.containers:
            if "serve" in container.get("args", []) and "preStop" not in container.get(
                "lifecycle", {}
            ):
                yield f"{workload}: no preStop"


def updates_take_nobody_away(objects: Sequence[Object]) -> Iterator[str]:
    for found in of_kind(objects, "Deployment"):
        rolling = found["spec"].get("strategy", {}).get("rollingUpdate", {})
        if rolling.get("maxUnavailable") != 0 or not rolling.get("maxSurge"):
            yield f"Deployment {found['metadata']['name']}: {rolling}"


def _path(probe: Mapping[str, Any]) -> str | None:
    path: str | None = probe.get("httpGet", {}).get("path")
    return path


def _patience(probe: Mapping[str, Any]) -> int:
    return int(probe.get("periodSeconds", 10)) * int(probe.get("failureThreshold", 3))


def _variables(workload: Workload, objects: Sequence[Object]) -> dict[str, str]:
    """What its pods have from ConfigMaps."""
    maps = {
        each["metadata"]["name"]: each.get("data", {}) for each in of_kind(objects, "ConfigMap")
    }
    wanted = [
        source["configMapRef"]["name"]
        for each in workload.containers
        for source in each.get("envFrom", [])
        if "configMapRef" in source
    ]
    return {key: value for name in wanted for key, value in maps.get(name, {}).items()}
