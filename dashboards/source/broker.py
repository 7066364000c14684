"""Says whether what one pod writes reaches the others, and whether background work keeps up."""

from collections.abc import Iterator

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.source.board import Panels, Row, board
from dashboards.source.links import BROKER, DEBUG, PODS, STORE
from dashboards.source.objectives import DELIVERED_WITHIN
from dashboards.source.panels import (
    ANY_IS_ODD,
    HALF,
    NONE_IS_GOOD,
    QUARTER,
    graph,
    number,
    quantiles,
    spread,
)
from dashboards.source.promql import RATE
from dashboards.source.queries import lines, now

WITHIN = ((0, "green"), (DELIVERED_WITHIN, "red"))


def dashboard() -> Dashboard:
    """Redis and what goes by it."""
    return board(BROKER, __doc__, _rows())


def _rows() -> Iterator[Row]:
    yield "", _glance()
    yield "From pod to pod", _broker()
    yield "What was missed and mended", _mended()
    yield "Redis, as pods see it", _redis()
    yield "Redis, as it sees itself", _server()
    yield "Background work", _work()


def _glance() -> Panels:
    yield number(
        "Oldest canary",
        "Seconds since the deafest pod last heard itself by the broker. Above 5 s it is not ready.",
        "s",
        now("max(whatchat_broker_canary_age_seconds)", "canary"),
        steps=((0, "green"), (5, "orange"), (15, "red")),
        to=PODS,
    )
    yield number(
        "Not published",
        "Announcements over the time shown that the broker did not take. They are announced again.",
        "short",
        now("sum(increase(whatchat_broker_publish_failures_total[$__range]))", "failures"),
        steps=ANY_IS_ODD,
        to=STORE,
    )
    yield number(
        "Rooms not announced yet",
        "Rooms with changes that have yet to be announced.",
        "short",
        now("sum(whatchat_dirty_rooms)", "rooms"),
        steps=((0, "green"), (1, "orange")),
        to=STORE,
    )
    yield number(
        "Redis is up",
        "Whether the exporter reaches every Redis.",
        "bool_yes_no",
        now("min(redis_up)", "up"),
        steps=((0, "red"), (1, "green")),
    )
    yield number(
        "Work lags",
        "How old the entry is that the worker feeds next to the work queue.",
        "s",
        now("max(whatchat_work_feed_lag_seconds)", "lag"),
        steps=((0, "green"), (10, "orange"), (60, "red")),
    )
    yield number(
        "Dead letters",
        "Jobs that were given up on and wait for somebody to look.",
        "short",
        now("max(whatchat_dead_letters)", "jobs"),
        steps=NONE_IS_GOOD,
    )


def _broker() -> Panels:
    yield graph(
        "Announcements",
        "Announcements handed to the broker, those of other pods that arrived, and those that the "
        "broker did not take, per second.",
        "mps",
        lines(f"sum(rate(whatchat_broker_published_total{RATE}))", "published"),
        lines(f"sum(rate(whatchat_broker_received_total{RATE}))", "received"),
        lines(f"sum(rate(whatchat_broker_publish_failures_total{RATE}))", "not taken"),
        to=PODS,
    )
    yield quantiles(
        "Delivery time from other pods",
        "From a change's being durable on one pod to its being written to the sockets of another. "
        "The clocks of two machines count.",
        'whatchat_delivery_seconds{origin="remote"}',
        steps=WITHIN,
        to=DEBUG,
    )
    yield quantiles(
        "Delivery time on the same pod",
        "From a change's being durable to its being written to the sockets of the pod that wrote "
        "it: what the broker has no part in.",
        'whatchat_delivery_seconds{origin="local"}',
        steps=WITHIN,
        to=STORE,
    )
    yield graph(
        "Canary's age",
        "Seconds since each pod last heard itself. It saws between nought and a second or two.",
        "s",
        lines("max by (pod) (whatchat_broker_canary_age_seconds)", "{{pod}}"),
        steps=((0, "green"), (5, "red")),
        per_pod=True,
        to=PODS,
    )
    yield graph(
        "Channels",
        "Channels that each pod is subscribed to: its rooms and its people.",
        "short",
        lines("sum by (pod) (whatchat_broker_channels)", "{{pod}}"),
        per_pod=True,
        to=PODS,
    )
    yield spread(
        "Delivery times",
        "How many announcements took how long to reach a pod's sockets; points are traces.",
        "whatchat_delivery_seconds",
        width=8,
        to=DEBUG,
    )


def _mended() -> Panels:
    yield graph(
        "Gaps",
        "Rooms per second in which a pod missed something and read it from the store: a later rev "
        "came (hole), or a comparison of heads told (heads); or in which the store has it neither "
        "(given_up).",
        "cps",
        lines(f"sum by (pod, cause) (rate(whatchat_gap_repairs_total{RATE}))", "{{pod}} {{cause}}"),
        per_pod=True,
        width=QUARTER,
        to=PODS,
    )
    yield graph(
        "Deaf",
        "Times around each point that the broker took what a pod said, and that pod did not "
        "hear it.",
        "short",
        lines(
            "sum by (pod) (increase(whatchat_broker_deafness_total[$__rate_interval]))",
            "{{pod}}",
        ),
        steps=ANY_IS_ODD,
        per_pod=True,
        width=QUARTER,
        to=PODS,
    )
    yield graph(
        "Unreadable envelopes",
        "What arrived from the broker and could not be read, per second.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_broker_bad_envelopes_total{RATE}))", "{{pod}}"),
        steps=NONE_IS_GOOD,
        per_pod=True,
        width=QUARTER,
        to=PODS,
    )
    yield graph(
        "Rooms not announced yet, by pod",
        "Rooms with changes that a pod has yet to announce.",
        "short",
        lines("sum by (pod) (whatchat_dirty_rooms)", "{{pod}}"),
        per_pod=True,
        width=QUARTER,
        to=STORE,
    )


def _redis() -> Panels:
    yield quantiles(
        "Time of requests",
        "From a request to Redis to its answer.",
        "whatchat_redis_seconds",
        width=QUARTER,
    )
    yield graph(
        "Requests that wait",
        "Requests to Redis that wait for their answer.",
        "short",
        lines("sum by (pod) (whatchat_redis_waiting)", "{{pod}}"),
        per_pod=True,
        width=QUARTER,
        to=PODS,
    )
    yield graph(
        "Requests that failed",
        "Requests per second that Redis did not answer, or refused.",
        "reqps",
        lines(f"sum by (pod) (rate(whatchat_redis_failures_total{RATE}))", "{{pod}}"),
        steps=ANY_IS_ODD,
        per_pod=True,
        width=QUARTER,
        to=PODS,
    )
    yield graph(
        "Reconnects",
        "Connections to Redis around each point that replaced lost ones.",
        "short",
        lines(
            "sum by (pod, link) (increase(whatchat_redis_reconnects_total[$__rate_interval]))",
            "{{pod}} {{link}}",
        ),
        per_pod=True,
        width=QUARTER,
        to=PODS,
    )


def _server() -> Panels:
    yield graph(
        "Commands of Redis",
        "Commands per second that each Redis ran.",
        "ops",
        lines(f"rate(redis_commands_processed_total{RATE})", "{{instance}}"),
    )
    yield graph(
        "Memory of Redis",
        "Memory in use, and its limit (0: none is set).",
        "bytes",
        lines("redis_memory_used_bytes", "{{instance}} used"),
        lines("redis_memory_max_bytes", "{{instance}} limit"),
    )
    yield graph(
        "Clients and channels of Redis",
        "Connected clients, and channels that anybody is subscribed to.",
        "short",
        lines("redis_connected_clients", "{{instance}} clients"),
        lines("redis_pubsub_channels", "{{instance}} channels"),
    )
    yield graph(
        "Traffic of Redis",
        "Bytes per second in and out.",
        "Bps",
        lines(f"rate(redis_net_input_bytes_total{RATE})", "{{instance}} in"),
        lines(f"rate(redis_net_output_bytes_total{RATE})", "{{instance}} out"),
        width=HALF,
    )
    yield graph(
        "Evicted and refused by Redis",
        "Keys evicted for want of memory, and connections refused, per second. Streams and "
        "sessions must not be evicted.",
        "cps",
        lines(f"rate(redis_evicted_keys_total{RATE})", "{{instance}} evicted"),
        lines(f"rate(redis_rejected_connections_total{RATE})", "{{instance}} refused"),
        steps=ANY_IS_ODD,
        width=HALF,
    )


def _work() -> Panels:
    yield graph(
        "Fed and done",
        "Entries of the log fed to the work queue, and jobs finished by group, per second.",
        "cps",
        lines(f"sum(rate(whatchat_work_fed_total{RATE}))", "fed"),
        lines(f"sum by (group) (rate(whatchat_work_done_total{RATE}))", "{{group}}"),
        to=STORE,
    )
    yield graph(
        "Waiting work",
        "Jobs of the queue that are not finished, by group.",
        "short",
        lines("max by (group) (whatchat_work_waiting)", "{{group}}"),
        to=STORE,
    )
    yield graph(
        "Given up on",
        "Jobs around each point that were given up on after too many attempts, by group.",
        "short",
        lines(
            "sum by (group) (increase(whatchat_work_put_aside_total[$__rate_interval]))",
            "{{group}}",
        ),
        steps=NONE_IS_GOOD,
        to=STORE,
    )
