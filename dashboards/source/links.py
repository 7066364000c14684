"""Where a dashboard leads: every link keeps the variables and the time."""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG: Final = "whatchat"
"""Every dashboard has it; the links at the top of each lead to all that have it."""

OVERVIEW: Final = "whatchat-overview"
DEBUG: Final = "whatchat-debug"
PODS: Final = "whatchat-pods"
BROKER: Final = "whatchat-broker"
STORE: Final = "whatchat-store"
ROLLOUTS: Final = "whatchat-rollouts"
LOAD: Final = "whatchat-load"

TITLES: Final = {
    OVERVIEW: "Whatchat: overview and SLOs",
    DEBUG: "Whatchat: live debug",
    PODS: "Whatchat: pods",
    BROKER: "Whatchat: broker and Redis",
    STORE: "Whatchat: store",
    ROLLOUTS: "Whatchat: ingress and rollouts",
    LOAD: "Whatchat: load test",
}

_KEPT: Final = ("datasource", "infinity", "cluster", "namespace", "pod")


def everywhere() -> builders.DashboardLink:
    """The bar of dashboards at the top."""
    return (
        builders.DashboardLink("Whatchat")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
        .tooltip("Another dashboard of Whatchat, with the same variables and time")
    )


def deeper(uid: str) -> builders.DashboardLink:
    """From a panel to the dashboard that says more about it."""
    return (
        builders.DashboardLink(TITLES[uid])
        .type(DashboardLinkType.LINK)
        .url(f"/d/{uid}?${{__all_variables}}&${{__url_time_range}}")
    )


def narrower(title: str, uid: str, **variables: str) -> builders.DashboardLink:
    """From a value to a dashboard about what it belongs to: ``pod="__data.fields.Pod"``.

    A variable given as "" is emptied.
    """
    kept = [f"${{{name}:queryparam}}" for name in _KEPT if name not in variables]
    filled = [
        f"var-{name}=${{{source}}}" if source else f"var-{name}="
        for name, source in variables.items()
    ]
    query = "&".join([*kept, *filled, "${__url_time_range}"])
    return builders.DashboardLink(title).type(DashboardLinkType.LINK).url(f"/d/{uid}?{query}")


def of_pod() -> builders.DashboardLink:
    """From a line that is one pod's to that pod."""
    return narrower("Pod ${__field.labels.pod}", PODS, pod="__field.labels.pod")
