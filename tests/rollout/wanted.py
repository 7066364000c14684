"""What the chart, rendered by the real Helm, asks Kubernetes to do with a Deployment."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from tests.chart.helm import Object, the

PERIOD_SECONDS: Final = 10.0
TIMEOUT_SECONDS: Final = 1.0
FAILURES: Final = 3
"""What Kubernetes takes where a probe does not say."""


class Probe(NamedTuple):
    """What the kubelet asks, how often, and what it makes of the answers; times in seconds."""

    path: str
    initial_delay: float
    period: float
    timeout: float
    successes: int
    failures: int

    @classmethod
    def of(cls, probe: Mapping[str, Any]) -> Self:
        """With Kubernetes' own defaults for what is not said."""
        if probe["httpGet"]["port"] != "internal":
            raise ValueError("a probe asks another port than the internal one")
        return cls(
            probe["httpGet"]["path"],
            probe.get("initialDelaySeconds", 0),
            probe.get("periodSeconds", PERIOD_SECONDS),
            probe.get("timeoutSeconds", TIMEOUT_SECONDS),
            probe.get("successThreshold", 1),
            probe.get("failureThreshold", FAILURES),
        )


class Template(NamedTuple):
    """What a pod runs, and how it begins and ends; ``migrate`` is run before ``arguments``."""

    migrate: Sequence[str]
    arguments: Sequence[str]
    env: Mapping[str, str]
    startup: Probe
    readiness: Probe
    liveness: Probe
    pre_stop: float
    grace: float

    @property
    def drain_seconds(self) -> float:
        """Over so long its clients are moved away."""
        return float(self.env["WHATCHAT_DRAIN_SECONDS"])


class Wanted(NamedTuple):
    """How many pods there are to be, of which kind, and how they are replaced."""

    name: str
    replicas: int
    surge: int
    unavailable: int
    min_ready: float
    template: Template

    @classmethod
    def of(cls, objects: Sequence[Object], name: str) -> Self:
        """As the Deployment of that name has it. Raises ``LookupError`` if there is none."""
        spec = the(objects, "Deployment", name)["spec"]
        strategy = spec["strategy"]["rollingUpdate"]
        return cls(
            name,
            spec["replicas"],
            strategy["maxSurge"],
            strategy["maxUnavailable"],
            spec.get("minReadySeconds", 0),
            _template(spec["template"]["spec"], objects),
        )


def _template(spec: Mapping[str, Any], objects: Sequence[Object]) -> Template:
    [container] = spec["containers"]
    [migrate] = [one for one in spec["initContainers"] if one["name"] == "migrate"]
    pre_stop = container.get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})
    return Template(
        migrate["args"],
        container["args"],
        environment(container, objects),
        Probe.of(container["startupProbe"]),
        Probe.of(container["readinessProbe"]),
        Probe.of(container["livenessProbe"]),
        pre_stop["sleep"]["seconds"],
        spec["terminationGracePeriodSeconds"],
    )


def environment(container: Mapping[str, Any], objects: Sequence[Object]) -> dict[str, str]:
    """What a container finds in its environment, from ConfigMaps and Secrets among the objects."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= the(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    for one in container.get("env", ()):
        value = one["value"] if "value" in one else _secret(one["valueFrom"], objects)
        if value is not None:
            found[one["name"]] = value
    return found


def _secret(source: Mapping[str, Any], objects: Sequence[Object]) -> str | None:
    """Nothing if it may be missing and is."""
    reference = source["secretKeyRef"]
    secret = the(objects, "Secret", reference["name"])
    plain: Mapping[str, str] = secret.get("stringData") or {}
    coded: Mapping[str, str] = secret.get("data") or {}
    if reference["key"] in plain:
        return plain[reference["key"]]
    if reference["key"] in coded:
        return base64.b64decode(coded[reference["key"]]).decode()
    if reference.get("optional"):
        return None
    raise LookupError(f"the secret {reference['name']} lacks {reference['key']}")
