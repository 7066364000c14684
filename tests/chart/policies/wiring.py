"""What points to something points to one thing, and to that which is meant."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from tests.chart.helm import Object
from tests.chart.workloads import Workload, of_kind, selects, workloads

REFERENCES: Final = {
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
}


def selectors_take_their_own_pods_alone(objects: Sequence[Object]) -> Iterator[str]:
    every = list(workloads(objects))
    for workload in filter(lambda each: each.endless, every):
        taken = _taken(workload.object["spec"]["selector"], every)
        if taken != [workload]:
            yield f"{workload} selects {_names(taken)}"


def services_lead_to_one_workload(objects: Sequence[Object]) -> Iterator[str]:
    every = list(workloads(objects))
    for service in of_kind(objects, "Service"):
        name = service["metadata"]["name"]
        taken = _taken(service["spec"]["selector"], every)
        if len(taken) != 1 or not taken[0].serves:
            yield f"Service {name} leads to {_names(taken)}"
            continue
        for port in service["spec"]["ports"]:
            if port.get("targetPort") not in taken[0].ports:
                yield f"Service {name}: {taken[0]} has no port {port.get('targetPort')}"
            if not port.get("name"):
                yield f"Service {name}: port {port['port']} has no name"


def ports_have_names(objects: Sequence[Object]) -> Iterator[str]:
    for workload in workloads(objects):
        numbers = list(workload.ports.values())
        if any(name.isdigit() for name in workload.ports) or len(set(numbers)) < len(numbers):
            yield f"{workload}: {workload.ports}"
        for container in workload.containers:
            own = {port.get("name") for port in container.get("ports", [])}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                for way in ("httpGet", "tcpSocket"):
                    port = container.get(probe, {}).get(way, {}).get("port")
                    if port is not None and port not in own:
                        yield f"{workload}, {container['name']}: {probe} asks port {port}"


def stateful_sets_have_their_service(objects: Sequence[Object]) -> Iterator[str]:
    headless = {each["metadata"]["name"] for each in of_kind(objects, "Service")}
    for found in of_kind(objects, "StatefulSet"):
        if found["spec"].get("serviceName") not in headless:
            yield f"StatefulSet {found['metadata']['name']}: {found['spec'].get('serviceName')}"


def budgets_are_of_one_workload(objects: Sequence[Object]) -> Iterator[str]:
    every = list(workloads(objects))
    for budget in of_kind(objects, "PodDisruptionBudget"):
        taken = _taken(budget["spec"]["selector"], every)
        name = budget["metadata"]["name"]
        if len(taken) != 1 or not taken[0].endless:
            yield f"PodDisruptionBudget {name} is of {_names(taken)}"
        # With one pod, a budget that keeps one would stop every drain of its node for ever.
        elif budget["spec"].get("minAvailable", 0) >= taken[0].object["spec"].get("replicas", 1):
            yield f"PodDisruptionBudget {name} lets no pod go"
    of = [_names(_taken(each["spec"]["selector"], every)) for each in _budgets(objects)]
    yield from (f"two budgets of {a}" for a, b in combinations(of, 2) if a == b)


def scalers_have_a_target_to_themselves(objects: Sequence[Object]) -> Iterator[str]:
    """Who is scaled by something must not say how many it is to be: each update would undo it."""
    targets: list[str] = []
    for scaler in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        reference = scaler["spec"]["scaleTargetRef"]
        kind, name = reference.get("kind", "Deployment"), reference["name"]
        found = [each for each in of_kind(objects, kind) if each["metadata"]["name"] == name]
        if len(found) != 1:
            yield f"{scaler['kind']} {scaler['metadata']['name']}: no {kind} {name}"
        elif "replicas" in found[0]["spec"]:
            yield f"{kind} {name} says how many it is, and so does a {scaler['kind']}"
        targets.append(name)
    if len(set(targets)) < len(targets):
        yield f"scaled twice: {targets}"


def routes_lead_to_services(objects: Sequence[Object]) -> Iterator[str]:
    services = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "Service")}
    for ingress in of_kind(objects, "Ingress"):
        for rule in ingress["spec"].get("rules", []):
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                yield from _leads(ingress, services, backend["name"], backend["port"])
    for route in of_kind(objects, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            for backend in rule.get("backendRefs", []):
                yield from _leads(route, services, backend["name"], {"number": backend["port"]})


def the_world_reaches_public_ports_alone(objects: Sequence[Object]) -> Iterator[str]:
    """No ingress, route or load balancer leads to metrics, admin or a store."""
    open_to_all = {
        service["metadata"]["name"]
        for service in of_kind(objects, "Service")
        if service["spec"].get("type", "ClusterIP") != "ClusterIP"
    } | set(_routed(objects))
    for service in of_kind(objects, "Service"):
        names = [port["targetPort"] for port in service["spec"]["ports"]]
        if service["metadata"]["name"] in open_to_all and names != ["http"]:
            yield f"Service {service['metadata']['name']} is open to all with {names}"


def monitors_find_what_they_scrape(objects: Sequence[Object]) -> Iterator[str]:
    every = list(workloads(objects))
    for monitor in of_kind(objects, "PodMonitor"):
        taken = _taken(monitor["spec"]["selector"], every)
        ports = {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]}
        if not taken or any(not ports <= each.ports.keys() for each in taken if each.serves):
            yield f"PodMonitor {monitor['metadata']['name']}: {ports} of {_names(taken)}"
        if any(not each.serves for each in taken):
            yield f"PodMonitor {monitor['metadata']['name']} scrapes {_names(taken)}"
    for monitor in of_kind(objects, "ServiceMonitor"):
        wanted = {each["port"] for each in monitor["spec"]["endpoints"]}
        found = [
            service
            for service in of_kind(objects, "Service")
            if selects(monitor["spec"]["selector"], service["metadata"]["labels"])
            and wanted & {port["name"] for port in service["spec"]["ports"]}
        ]
        pods = _names([each for one in found for each in _taken(one["spec"]["selector"], every)])
        if not found or len(set(pods)) < len(pods):
            yield f"ServiceMonitor {monitor['metadata']['name']} scrapes {pods}"


def network_policies_are_of_pods_and_ports(objects: Sequence[Object]) -> Iterator[str]:
    every = list(workloads(objects))
    for policy in of_kind(objects, "NetworkPolicy"):
        name = policy["metadata"]["name"]
        taken = _taken(policy["spec"]["podSelector"], every)
        if not taken:
            yield f"NetworkPolicy {name} is of no pod"
        ports = {port for each in taken for pair in each.ports.items() for port in pair}
        for rule in policy["spec"].get("ingress", []):
            for port in rule.get("ports", []):
                if port.get("port") not in ports:
                    yield f"NetworkPolicy {name}: {_names(taken)} have no port {port.get('port')}"


def what_is_referred_to_is_there(objects: Sequence[Object], given: set[str]) -> Iterator[str]:
    """ConfigMaps, Secrets, accounts: in the release, or ``given`` by the operator's values."""
    there = {(each["kind"], each["metadata"]["name"]): _keys(each) for each in objects}
    for workload in workloads(objects):
        for kind, name, key, optional in _references(workload):
            keys = there.get((kind, name))
            if keys is None and not optional and name not in given:
                yield f"{workload}: no {kind} {name}"
            elif keys is not None and key and key not in keys and not optional:
                yield f"{workload}: {kind} {name} has no {key}"
    for found in of_kind(objects, "Ingress"):
        for tls in found["spec"].get("tls", []):
            name = tls.get("secretName")
            if name is not None and ("Secret", name) not in there and name not in given:
                yield f"Ingress {found['metadata']['name']}: no Secret {name}"


def _budgets(objects: Sequence[Object]) -> list[Object]:
    return of_kind(objects, "PodDisruptionBudget")


def _taken(selector: Mapping[str, Any], every: Sequence[Workload]) -> list[Workload]:
    return [each for each in every if selects(selector, each.labels)]


def _names(taken: Sequence[Workload]) -> list[str]:
    return [str(each) for each in taken] or ["nothing"]


def _leads(
    found: Object, services: Mapping[str, Any], name: str, port: Mapping[str, Any]
) -> Iterator[str]:
    ports = services.get(name, {}).get("ports", [])
    if not any(
        each["name"] == port.get("name") or each["port"] == port.get("number") for each in ports
    ):
        yield f"{found['kind']} {found['metadata']['name']}: no Service {name} with {port}"


def _routed(objects: Sequence[Object]) -> Iterator[str]:
    for ingress in of_kind(objects, "Ingress"):
        for rule in ingress["spec"].get("rules", []):
            yield from (path["backend"]["service"]["name"] for path in rule["http"]["paths"])
    for route in of_kind(objects, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            yield from (backend["name"] for backend in rule.get("backendRefs", []))


def _keys(found: Object) -> set[str]:
    return {key for part in ("data", "stringData", "binaryData") for key in found.get(part) or {}}


def _references(workload: Workload) -> Iterator[tuple[str, str, str, bool]]:
    """Kind, name, key and whether it may be missing."""
    account = workload.pod.get("serviceAccountName", "default")
    yield "ServiceAccount", account, "", account == "default"
    for secret in workload.pod.get("imagePullSecrets", []):
        yield "Secret", secret["name"], "", False
    for volume in workload.pod.get("volumes", []):
        for source in (volume, *volume.get("projected", {}).get("sources", [])):
            yield from _of_volume(source)
    for container in workload.all_containers:
        yield from _of_environment(container)


def _of_environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    sources = [each.get("valueFrom", {}) for each in container.get("env", [])]
    for source in (*sources, *container.get("envFrom", [])):
        for field, want in source.items():
            if kind := REFERENCES.get(field):
                yield kind, want["name"], want.get("key", ""), want.get("optional", False)


def _of_volume(volume: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
        if field in volume:
            want = volume[field]
            optional = want.get("optional", False)
            for item in want.get("items", [{"key": ""}]):
                yield kind, want.get("secretName") or want["name"], item["key"], optional
