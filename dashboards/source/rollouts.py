"""Says what the ingress refuses, how a rolling update goes, and whether there are pods enough."""

from collections.abc import Iterator

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.source.board import Panels, Row, board
from dashboards.source.links import DEBUG, PODS, ROLLOUTS
from dashboards.source.panels import (
    ALL_IS_GOOD,
    ANY_IS_ODD,
    HALF,
    NONE_IS_GOOD,
    QUARTER,
    SIXTH,
    graph,
    number,
    states,
)
from dashboards.source.promql import RATE
from dashboards.source.queries import lines, now

AUTOSCALER = "horizontalpodautoscaler"
HPA = f"kube_{AUTOSCALER}"


def dashboard() -> Dashboard:
    """HAProxy's own metrics, which its Kubernetes ingress controller has too, and Kubernetes'."""
    return board(ROLLOUTS, __doc__, _rows(), span="now-3h")


def _rows() -> Iterator[Row]:
    yield "", _glance()
    yield "Rolling out", _rollout()
    yield "Clients on the move", _moving()
    yield "Ingress (HAProxy)", _ingress()
    yield "Scaling", _scaling()


def _glance() -> Panels:
    yield number(
        "Pods available",
        "Of the pods that deployments ask for, the share that is available.",
        "percentunit",
        now(
            "sum(kube_deployment_status_replicas_available) / sum(kube_deployment_spec_replicas)",
            "available",
        ),
        steps=((0, "red"), (0.7, "orange"), (0.999, "green")),
        width=SIXTH,
    )
    yield number(
        "Versions",
        "How many versions run now: two while an update is under way.",
        "short",
        now("count(count by (version) (whatchat_build_info))", "versions"),
        steps=((0, "green"), (2, "orange")),
        to=PODS,
    )
    yield number(
        "Draining",
        "Pods that move their clients away now.",
        "short",
        now("sum(whatchat_draining)", "pods"),
        to=PODS,
    )
    yield number(
        "Servers up",
        "Of the servers that HAProxy knows, the share that is up.",
        "percentunit",
        now('avg(haproxy_server_status{state="UP"})', "up"),
        steps=ALL_IS_GOOD,
    )
    yield number(
        "Answered with 5xx",
        "Requests per second that the ingress answered with 5xx.",
        "reqps",
        now(f'sum(rate(haproxy_frontend_http_responses_total{{code="5xx"}}{RATE}))', "5xx"),
        steps=((0, "green"), (0.01, "orange"), (1, "red")),
    )
    yield number(
        "Room to scale",
        "The replicas that the autoscaler may still add; at nought more load finds no more pods.",
        "short",
        now(f"min({HPA}_spec_max_replicas - {HPA}_status_current_replicas)", "replicas"),
        steps=((0, "red"), (1, "orange"), (3, "green")),
    )


def _rollout() -> Panels:
    yield graph(
        "Versions running",
        "Pods and workers of each version.",
        "short",
        lines("count by (version, role) (whatchat_build_info)", "{{version}} {{role}}"),
        stacked=True,
        to=PODS,
    )
    yield graph(
        "Pods of deployments",
        "Pods that are asked for, updated, available and not.",
        "short",
        lines(_each("deployment", "kube_deployment_spec_replicas"), "{{deployment}} asked for"),
        *(
            lines(
                _each("deployment", f"kube_deployment_status_replicas_{state}"),
                f"{{{{deployment}}}} {state}",
            )
            for state in ("updated", "available", "unavailable")
        ),
        to=PODS,
    )
    yield graph(
        "Restarts",
        "Restarts of containers around each point. A pod that restarts by itself crashes, or "
        "its probes fail.",
        "short",
        lines(
            "sum by (pod, container) "
            "(increase(kube_pod_container_status_restarts_total[$__rate_interval]))",
            "{{pod}} {{container}}",
        ),
        steps=ANY_IS_ODD,
        per_pod=True,
        to=PODS,
    )


def _moving() -> Panels:
    yield states(
        "Draining pods",
        "When each pod moved its clients away.",
        lines("max by (pod) (whatchat_draining)", "{{pod}}"),
        per_pod=True,
        to=PODS,
        yes=("draining", "orange"),
        no=("serving", "green"),
    )
    yield graph(
        "Sockets left to move",
        "Sockets that a draining pod has yet to move. It falls evenly to nought within the time "
        "that drains have.",
        "short",
        lines("sum by (pod) (whatchat_drain_sockets_left)", "{{pod}}"),
        per_pod=True,
        to=PODS,
    )
    yield graph(
        "Cut off by drains",
        "Sockets cut off around each point, as a drain ran out of time.",
        "short",
        lines(
            "sum by (pod) (increase(whatchat_drain_cut_off_total[$__rate_interval]))",
            "{{pod}}",
        ),
        steps=NONE_IS_GOOD,
        per_pod=True,
        to=PODS,
    )
    yield graph(
        "Let in, by pod",
        "Sockets let in per second. After an update the newcomers should share them evenly.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_connects_total{RATE}))", "{{pod}}"),
        stacked=True,
        per_pod=True,
        to=PODS,
    )
    yield graph(
        "How clients resumed",
        "Rooms per second that clients asked for with a cursor, by outcome.",
        "cps",
        lines(f"sum by (outcome) (rate(whatchat_resumes_total{RATE}))", "{{outcome}}"),
        to=PODS,
    )
    yield graph(
        "Polling that is not sticky",
        "Requests for a session that the pod does not have, per second. A few follow a pod's end; "
        "many that stay say that the ingress is not sticky.",
        "reqps",
        lines(f"sum by (pod) (rate(whatchat_unknown_sessions_total{RATE}))", "{{pod}}"),
        steps=((0, "green"), (0.1, "orange"), (1, "red")),
        per_pod=True,
        to=DEBUG,
    )
    yield graph(
        "Too many sockets",
        "What a pod has beyond its share and is sending to others, after pods were added: it falls "
        "to nought, some hundreds a minute.",
        "short",
        lines("sum by (pod) (whatchat_surplus_sockets)", "{{pod}}"),
        per_pod=True,
        width=HALF,
        to=PODS,
    )
    yield graph(
        "Sent to other pods",
        "Sockets per second that pods with too many sent away, and handshakes refused to those who "
        "came straight back: as many mean that the proxy's stickiness works against it.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_rebalanced_sockets_total{RATE}))", "{{pod}}: sent"),
        lines(
            f'sum by (pod) (rate(whatchat_refusals_total{{reason="moved"}}{RATE}))',
            "{{pod}}: came back",
        ),
        per_pod=True,
        width=HALF,
        to=PODS,
    )


def _ingress() -> Panels:
    yield graph(
        "Answers of the ingress",
        "Answers per second, by class of status.",
        "reqps",
        lines(
            f"sum by (code) (rate(haproxy_frontend_http_responses_total{RATE}))",
            "{{code}}",
        ),
        stacked=True,
    )
    yield graph(
        "Connections of the ingress",
        "Sessions open now, and the most that there may be.",
        "short",
        lines("sum by (proxy) (haproxy_frontend_current_sessions)", "{{proxy}} open"),
        lines("sum by (proxy) (haproxy_frontend_limit_sessions)", "{{proxy}} limit"),
    )
    yield graph(
        "Sessions by server",
        "Sessions that the ingress keeps on each pod.",
        "short",
        lines("sum by (server) (haproxy_server_current_sessions)", "{{server}}"),
        stacked=True,
        to=PODS,
    )
    yield states(
        "Servers up, one by one",
        "When the ingress sent clients to a server.",
        lines('min by (server) (haproxy_server_status{state="UP"})', "{{server}}"),
        to=PODS,
        yes=("up", "green"),
        no=("down", "red"),
    )
    yield graph(
        "What went wrong on the way",
        "Connections that failed, answers that made no sense, retries and redispatches to another "
        "server, per second.",
        "cps",
        lines(f"sum(rate(haproxy_backend_connection_errors_total{RATE}))", "not connected"),
        lines(f"sum(rate(haproxy_backend_response_errors_total{RATE}))", "bad answers"),
        lines(f"sum(rate(haproxy_backend_retry_warnings_total{RATE}))", "retries"),
        lines(f"sum(rate(haproxy_backend_redispatch_warnings_total{RATE}))", "redispatches"),
        steps=ANY_IS_ODD,
    )
    yield graph(
        "Times on the way",
        "Averages of the last 1,024 requests: waiting for a server, connecting to it, and its "
        "answer.",
        "s",
        lines("max by (proxy) (haproxy_backend_queue_time_average_seconds)", "{{proxy}} queue"),
        lines("max by (proxy) (haproxy_backend_connect_time_average_seconds)", "{{proxy}} connect"),
        lines("max by (proxy) (haproxy_backend_response_time_average_seconds)", "{{proxy}} answer"),
    )


def _scaling() -> Panels:
    yield graph(
        "Replicas",
        "Replicas that the autoscaler has, wants, and may have at most.",
        "short",
        *(
            lines(f"max by ({AUTOSCALER}) ({HPA}_{field})", f"{{{{{AUTOSCALER}}}}} {says}")
            for field, says in (
                ("status_current_replicas", "has"),
                ("status_desired_replicas", "wants"),
                ("spec_max_replicas", "limit"),
            )
        ),
        width=HALF,
        to=PODS,
    )
    yield graph(
        "Nearness to scaling",
        "What the autoscaler looks at, by its target: above 1 it adds pods.",
        "percentunit",
        lines(
            f"max by (horizontalpodautoscaler, metric_name) ({HPA}_status_target_metric "
            f"/ {HPA}_spec_target_metric)",
            "{{horizontalpodautoscaler}} {{metric_name}}",
        ),
        steps=((0, "green"), (1, "orange")),
        width=QUARTER,
        to=PODS,
    )
    yield states(
        "Scaling is limited",
        "When the autoscaler wanted more or fewer pods than it may have.",
        lines(
            f'max by (horizontalpodautoscaler) ({HPA}_status_condition{{condition="ScalingLimited",'
            'status="true"})',
            "{{horizontalpodautoscaler}}",
        ),
        width=QUARTER,
        to=PODS,
        yes=("limited", "orange"),
        no=("free", "green"),
    )


def _each(label: str, metric: str) -> str:
    return f"sum by ({label}) ({metric})"
