"""What objects are called, and by which labels they are found."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.chart.helm import Object
from tests.chart.workloads import of_kind, workloads

NAME: Final = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
VALUE: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?")
KEY: Final = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)

LONGEST: Final = {"StatefulSet": 52, "CronJob": 52}
"""Their pods carry a label that is longer than their name by that of a revision."""

STANDARD: Final = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
)
CLUSTERWIDE: Final = (
    "ClusterRole",
    "ClusterRoleBinding",
    "GatewayClass",
    "Namespace",
    "PriorityClass",
)


def names_are_short_enough(objects: Sequence[Object]) -> Iterator[str]:
    for found in objects:
        name = found["metadata"]["name"]
        if len(name) > LONGEST.get(found["kind"], 63) or not NAME.fullmatch(name):
            yield f"{found['kind']} {name}: {len(name)} characters"


def names_are_used_once(objects: Sequence[Object]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for found in objects:
        what = found["kind"], found["metadata"]["name"]
        if what in seen:
            yield f"{' '.join(what)} is there twice"
        seen.add(what)


def labels_are_valid(objects: Sequence[Object]) -> Iterator[str]:
    for name, metadata in _metadata(objects):
        for key, value in metadata.get("labels", {}).items():
            if not KEY.fullmatch(key) or not VALUE.fullmatch(value) or len(value) > 63:
                yield f"{name}: the label {key}={value}"
        for key, value in metadata.get("annotations", {}).items():
            # The part before the slash may be written in capitals in an annotation's key.
            if not KEY.fullmatch(key.lower()) or not isinstance(value, str):
                yield f"{name}: the annotation {key}={value}"


def labels_say_what_it_is(objects: Sequence[Object]) -> Iterator[str]:
    for name, metadata in _metadata(objects):
        missing = [key for key in STANDARD[:2] if key not in metadata.get("labels", {})]
        if missing:
            yield f"{name}: no label {', '.join(missing)}"
    for found in objects:
        if STANDARD[2] not in found["metadata"].get("labels", {}):
            yield f"{found['kind']} {found['metadata']['name']}: no label {STANDARD[2]}"


def selectors_are_for_ever(objects: Sequence[Object]) -> Iterator[str]:
    """A Deployment's selector cannot be changed: what an upgrade changes is not in it."""
    allowed = {*STANDARD[:2], "app.kubernetes.io/component"}
    for found in of_kind(objects, "Deployment", "StatefulSet"):
        selector = found["spec"]["selector"]
        if selector.keys() != {"matchLabels"} or selector["matchLabels"].keys() != allowed:
            yield f"{found['kind']} {found['metadata']['name']}: {selector}"


def all_are_in_one_namespace(objects: Sequence[Object]) -> Iterator[str]:
    named = [each for each in objects if each["kind"] not in CLUSTERWIDE]
    if len({each["metadata"].get("namespace") for each in named}) != 1:
        yield f"{ {each['metadata'].get('namespace') for each in named} }"
    yield from (
        f"{each['kind']} {each['metadata']['name']}: no namespace"
        for each in named
        if not each["metadata"].get("namespace")
    )


def _metadata(objects: Sequence[Object]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for found in objects:
        if found["kind"] != "Namespace":
            yield f"{found['kind']} {found['metadata']['name']}", found["metadata"]
    for workload in workloads(objects):
        yield f"a pod of {workload}", workload.metadata
