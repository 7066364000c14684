"""Kubernetes' Pod Security Standards at their strictest, "restricted", and some more.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.chart.helm import Object
from tests.chart.workloads import each_container, workloads

VOLUMES: Final = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SYSCTLS: Final = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
PROFILES: Final = ("Localhost", "RuntimeDefault")
HANDLERS: Final = ("startupProbe", "livenessProbe", "readinessProbe")


def pods_share_nothing_with_their_host(objects: Sequence[Object]) -> Iterator[str]:
    for workload in workloads(objects):
        pod = workload.pod
        for field in filter(pod.get, ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{workload}: {field}"
        for volume in pod.get("volumes", []):
            if kinds := volume.keys() - VOLUMES - {"name"}:
                yield f"{workload}: the volume {volume['name']} is {', '.join(kinds)}"
        for sysctl in pod.get("securityContext", {}).get("sysctls", []):
            if sysctl["name"] not in SYSCTLS:
                yield f"{workload}: the sysctl {sysctl['name']}"
        yield from _not_of_the_kind(f"{workload}", pod.get("securityContext", {}))
    for name, _, container in each_container(objects):
        if any(port.get("hostPort") for port in container.get("ports", [])):
            yield f"{name}: a port of the host"
        if any("host" in handler for handler in _handlers(container)):
            yield f"{name}: probes or hooks reach another host"


def no_container_may_do_more_than_its_user(objects: Sequence[Object]) -> Iterator[str]:
    for name, _, container in each_container(objects):
        context = container.get("securityContext", {})
        if context.get("privileged"):
            yield f"{name}: privileged"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation is not false"
        if "ALL" not in context.get("capabilities", {}).get("drop", []):
            yield f"{name}: not all capabilities are dropped"
        if added := set(context.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
            yield f"{name}: adds {', '.join(added)}"
        if context.get("procMount", "Default") != "Default":
            yield f"{name}: procMount"
        yield from _not_of_the_kind(name, context)


def nobody_runs_as_root(objects: Sequence[Object]) -> Iterator[str]:
    for name, workload, container in each_container(objects):
        both = workload.pod.get("securityContext", {}) | container.get("securityContext", {})
        if both.get("runAsNonRoot") is not True:
            yield f"{name}: runAsNonRoot is not true"
        # By number: of a name the kubelet could not tell whether it is root's.
        if not both.get("runAsUser") or not both.get("runAsGroup"):
            yield f"{name}: neither user nor group may be 0 or unsaid"


def system_calls_are_filtered(objects: Sequence[Object]) -> Iterator[str]:
    for name, workload, container in each_container(objects):
        both = workload.pod.get("securityContext", {}) | container.get("securityContext", {})
        if both.get("seccompProfile", {}).get("type") not in PROFILES:
            yield f"{name}: seccompProfile is neither RuntimeDefault nor Localhost"


def root_file_systems_are_read_only(objects: Sequence[Object]) -> Iterator[str]:
    for name, workload, container in each_container(objects):
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{name}: readOnlyRootFilesystem is not true"
        volumes = {each["name"]: each for each in workload.pod.get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            scratch = volumes.get(mount["name"], {}).get("emptyDir")
            if scratch is not None and "sizeLimit" not in scratch:
                yield f"{name}: {mount['name']} may fill the node's disk"


def no_token_of_the_cluster_is_mounted(objects: Sequence[Object]) -> Iterator[str]:
    for workload in workloads(objects):
        if workload.pod.get("automountServiceAccountToken") is not False:
            yield f"{workload}: automountServiceAccountToken is not false"
        if workload.pod.get("enableServiceLinks") is not False:
            yield f"{workload}: enableServiceLinks is not false"
    for found in objects:
        if (
            found["kind"] == "ServiceAccount"
            and found.get("automountServiceAccountToken") is not False
        ):
            yield f"ServiceAccount {found['metadata']['name']}: automountServiceAccountToken"


def _not_of_the_kind(name: str, context: Mapping[str, Any]) -> Iterator[str]:
    if context.get("appArmorProfile", {}).get("type", PROFILES[0]) not in PROFILES:
        yield f"{name}: appArmorProfile"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name}: hostProcess"
    options = context.get("seLinuxOptions", {})
    if options.get("user") or options.get("role"):
        yield f"{name}: seLinuxOptions"
    if options.get("type", "container_t") not in (
        "",
        "container_t",
        "container_init_t",
        "container_kvm_t",
        "container_engine_t",
    ):
        yield f"{name}: seLinuxOptions.type"


def _handlers(container: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    hooks = container.get("lifecycle", {}).values()
    for handler in (*(container.get(probe, {}) for probe in HANDLERS), *hooks):
        yield from (handler[way] for way in ("httpGet", "tcpSocket") if way in handler)
