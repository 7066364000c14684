"""What runs: the objects that make pods, their pods and containers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.chart.helm import Object

ENDLESS: Final = ("DaemonSet", "Deployment", "StatefulSet")


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One that makes pods, or is one."""

    object: Object
    metadata: Mapping[str, Any]
    """Of its pods."""
    pod: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.object['kind']} {self.object['metadata']['name']}"

    @property
    def labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = self.metadata.get("labels", {})
        return labels

    @property
    def endless(self) -> bool:
        """Whether its pods are to run until they are told to end."""
        return self.object["kind"] in ENDLESS

    @property
    def serves(self) -> bool:
        """Whether others may come to its pods: not to those that only try something out."""
        return self.endless or (self.object["kind"] == "Job" and bool(self.ports))

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        """Those that run side by side."""
        return list(self.pod["containers"])

    @property
    def all_containers(self) -> list[Mapping[str, Any]]:
        return [*self.pod.get("initContainers", []), *self.containers]

    @property
    def ports(self) -> dict[str, int]:
        """Of its containers, by name; one without a name by its number."""
        listed = [port for each in self.containers for port in each.get("ports", [])]
        return {
            port.get("name", str(port["containerPort"])): port["containerPort"] for port in listed
        }


def workloads(objects: Iterable[Object]) -> Iterator[Workload]:
    """All of them, of every kind."""
    for found in objects:
        if found["kind"] == "Pod":
            yield Workload(object=found, metadata=found["metadata"], pod=found["spec"])
            continue
        spec = found.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if isinstance(template, Mapping) and "containers" in template.get("spec", {}):
            yield Workload(object=found, metadata=template["metadata"], pod=template["spec"])


def each_container(objects: Iterable[Object]) -> Iterator[tuple[str, Workload, Mapping[str, Any]]]:
    """Every container of every pod, those that only prepare included, with what to call it."""
    for workload in workloads(objects):
        for container in workload.all_containers:
            yield f"{workload}, {container['name']}", workload, container


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    return [found for found in objects if found["kind"] in kinds]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector, of either spelling, takes these labels."""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return selector.items() <= labels.items()
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        _holds(each, labels) for each in selector.get("matchExpressions", [])
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None
