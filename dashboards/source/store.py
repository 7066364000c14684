"""Says whether what people write becomes durable in time, and how the store fares."""

from collections.abc import Iterator

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.source.board import Panels, Row, board
from dashboards.source.links import BROKER, DEBUG, PODS, STORE
from dashboards.source.panels import (
    ANY_IS_ODD,
    HALF,
    NONE_IS_GOOD,
    graph,
    of_each,
    quantiles,
    spread,
    states,
)
from dashboards.source.promql import RATE
from dashboards.source.queries import lines


def dashboard() -> Dashboard:
    """MongoDB or SQLite, and the log that is written there."""
    return board(STORE, __doc__, _rows())


def _rows() -> Iterator[Row]:
    yield "Writing the log", _log()
    yield "The store, as pods see it", _pods()
    yield "Reading it again", _reading()
    yield "MongoDB, as it sees itself", _server()


def _log() -> Panels:
    yield quantiles(
        "Time to accept",
        "From a change's being asked of its room to its being durable: what a sender waits for.",
        "whatchat_accept_seconds",
        to=DEBUG,
    )
    yield graph(
        "Entries",
        "Entries of the log made durable per second, by kind of change.",
        "wps",
        lines(f"sum by (change) (rate(whatchat_entries_appended_total{RATE}))", "{{change}}"),
        stacked=True,
        to=PODS,
    )
    yield graph(
        "Entries per append",
        "How many changes of a room share a write, on average: it rises with the load of hot "
        "rooms.",
        "short",
        lines(
            f"sum by (pod) (rate(whatchat_append_batch_size_sum{RATE})) "
            f"/ sum by (pod) (rate(whatchat_append_batch_size_count{RATE}))",
            "{{pod}}",
        ),
        per_pod=True,
        to=PODS,
    )
    yield spread(
        "Times to accept",
        "How many changes took how long to become durable; points are traces.",
        "whatchat_accept_seconds",
        to=DEBUG,
    )
    yield graph(
        "Append conflicts",
        "Appends per second that found their rev taken by another pod, and were decided again. "
        "Many, for few entries, say that pods take turns in hot rooms.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_append_conflicts_total{RATE}))", "{{pod}}"),
        width=HALF,
        per_pod=True,
        to=PODS,
    )


def _pods() -> Panels:
    yield of_each(
        "operation",
        "Time of operations",
        "The slowest hundredth by operation, without those that wait for what is yet to come.",
        'whatchat_store_seconds{operation!~"watch|getMore"}',
        to=PODS,
    )
    yield graph(
        "Operations",
        "Operations per second, by kind.",
        "ops",
        lines(f"sum by (operation) (rate(whatchat_store_seconds_count{RATE}))", "{{operation}}"),
        stacked=True,
        to=PODS,
    )
    yield graph(
        "Operations that failed",
        "Operations per second that the store failed, by kind.",
        "ops",
        lines(f"sum by (operation) (rate(whatchat_store_failures_total{RATE}))", "{{operation}}"),
        steps=ANY_IS_ODD,
        to=PODS,
    )
    yield quantiles(
        "Wait for a connection",
        "How long operations waited for a connection of the pool, or for SQLite's writer.",
        "whatchat_store_wait_seconds",
        to=PODS,
    )
    yield graph(
        "Connections",
        "Connections of all pods to the store, by state.",
        "short",
        lines("sum by (state) (whatchat_store_connections)", "{{state}}"),
        stacked=True,
        to=PODS,
    )
    yield of_each(
        "pod",
        "Time to accept by pod",
        "The slowest hundredth of each pod: one alone is a pod's trouble, all are the store's.",
        "whatchat_accept_seconds",
        to=PODS,
    )


def _reading() -> Panels:
    yield graph(
        "How clients resumed",
        "Rooms per second that clients asked for with a cursor, by outcome.",
        "cps",
        lines(f"sum by (outcome) (rate(whatchat_resumes_total{RATE}))", "{{outcome}}"),
        to=PODS,
    )
    yield graph(
        "Lost on resuming",
        "Rooms around each point whose log did not reach a cursor of the same epoch.",
        "short",
        lines(
            'sum by (pod) (increase(whatchat_resumes_total{outcome="lost"}[$__rate_interval]))',
            "{{pod}}",
        ),
        steps=NONE_IS_GOOD,
        per_pod=True,
        to=DEBUG,
    )
    yield graph(
        "Gaps read from the store",
        "Rooms per second in which pods had missed something, by how they knew.",
        "cps",
        lines(f"sum by (cause) (rate(whatchat_gap_repairs_total{RATE}))", "{{cause}}"),
        to=BROKER,
    )


def _server() -> Panels:
    yield states(
        "Members",
        "When each member of the replica set was well.",
        lines(
            "min by (rs_nm, member_idx, member_state) (mongodb_rs_members_health)",
            "{{member_idx}} {{member_state}}",
        ),
        yes=("well", "green"),
        no=("unwell", "red"),
    )
    yield graph(
        "Lag of replication",
        "How far each member is behind the first. Writes wait for a majority of them.",
        "ms",
        lines(
            "max by (rs_nm) (mongodb_rs_members_optimeDate) - on (rs_nm) group_right () "
            "max by (rs_nm, member_idx) (mongodb_rs_members_optimeDate)",
            "{{member_idx}}",
        ),
        steps=((0, "green"), (1000, "orange"), (10_000, "red")),
    )
    yield graph(
        "Work of MongoDB",
        "How many reads, writes and commands it is at, at once, on average: seconds that they "
        "took, per second.",
        "short",
        lines(
            f"sum by (op_type) (rate(mongodb_ss_opLatencies_latency{RATE})) / 1e6", "{{op_type}}"
        ),
        stacked=True,
    )
    yield graph(
        "Operations of MongoDB",
        "Operations per second, by kind.",
        "ops",
        lines(f"sum by (legacy_op_type) (rate(mongodb_ss_opcounters{RATE}))", "{{legacy_op_type}}"),
        stacked=True,
    )
    yield graph(
        "Connections and queues of MongoDB",
        "Connections that are open, and operations that wait for a lock.",
        "short",
        lines(
            'sum by (instance) (mongodb_ss_connections{conn_type="current"})', "{{instance}} open"
        ),
        lines("sum by (count_type) (mongodb_ss_globalLock_currentQueue)", "waiting {{count_type}}"),
    )
    yield graph(
        "Cache of MongoDB",
        "The share of its cache in use, and the share that is to be written yet.",
        "percentunit",
        lines(
            "max by (instance) (mongodb_ss_wt_cache_bytes_currently_in_the_cache "
            "/ mongodb_ss_wt_cache_maximum_bytes_configured)",
            "{{instance}} used",
        ),
        lines(
            "max by (instance) (mongodb_ss_wt_cache_tracked_dirty_bytes_in_the_cache "
            "/ mongodb_ss_wt_cache_maximum_bytes_configured)",
            "{{instance}} dirty",
        ),
        steps=((0, "green"), (0.8, "orange"), (0.95, "red")),
        most=1,
    )
