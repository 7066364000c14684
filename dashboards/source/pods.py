"""Says what each pod does: its sockets, its process, and what it keeps from people."""

from collections.abc import Iterator

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.source.board import Panels, Row, board
from dashboards.source.links import BROKER, DEBUG, LOAD, PODS, ROLLOUTS
from dashboards.source.panels import (
    ANY_IS_ODD,
    HALF,
    NONE_IS_GOOD,
    QUARTER,
    graph,
    of_each,
    quantiles,
    states,
)
from dashboards.source.promql import OURS, RATE
from dashboards.source.queries import lines

LAGGING = ((0, "green"), (0.1, "orange"), (0.5, "red"))
FULL_SOON = ((0, "green"), (0.7, "orange"), (0.9, "red"))


def dashboard() -> Dashboard:
    """Choose one pod above, or compare all."""
    return board(PODS, __doc__, _rows())


def _rows() -> Iterator[Row]:
    yield "Sockets", _sockets()
    yield "Slow readers", _outboxes()
    yield "The process", _process()
    yield "Draining", _draining()
    yield "Presence", _presence()
    yield "Limits and anomalies", _limits()
    yield "Audit and people of another issuer", _audit()
    yield "How it is observed", _observed()


def _sockets() -> Panels:
    yield graph(
        "Sockets by pod",
        "Connected sockets.",
        "short",
        lines("sum by (pod) (whatchat_connected_sockets)", "{{pod}}"),
        stacked=True,
        to=DEBUG,
        per_pod=True,
    )
    yield graph(
        "Sockets by transport",
        "Polling costs much more than WebSocket: a share that rises says that something on the "
        "way no longer lets WebSocket through.",
        "short",
        lines("sum by (transport) (whatchat_connected_sockets)", "{{transport}}"),
        stacked=True,
        to=ROLLOUTS,
    )
    yield graph(
        "Rooms and people",
        "Rooms and people with a socket on each pod.",
        "short",
        lines("sum by (pod) (whatchat_local_rooms)", "{{pod}}: rooms"),
        lines("sum by (pod) (whatchat_local_users)", "{{pod}}: people"),
        to=DEBUG,
    )
    yield graph(
        "Let in",
        "Sockets let in per second, by pod and transport.",
        "cps",
        lines(
            f"sum by (pod, transport) (rate(whatchat_connects_total{RATE}))",
            "{{pod}} {{transport}}",
        ),
        to=ROLLOUTS,
        per_pod=True,
    )
    yield graph(
        "Refused",
        "Handshakes and CONNECTs refused per second, by pod and reason.",
        "cps",
        lines(f"sum by (pod, reason) (rate(whatchat_refusals_total{RATE}))", "{{pod}} {{reason}}"),
        per_pod=True,
        to=ROLLOUTS,
    )
    yield graph(
        "Gone",
        "Sockets gone per second, by pod and close code; `client` left by itself.",
        "cps",
        lines(f"sum by (pod, code) (rate(whatchat_closes_total{RATE})) > 0", "{{pod}} {{code}}"),
        per_pod=True,
        nothing="Nobody went",
        to=ROLLOUTS,
    )
    yield of_each(
        "pod",
        "Time to connect",
        "From a transport's opening to the greeting: the slowest hundredth of each pod.",
        "whatchat_connect_seconds",
        to=BROKER,
    )
    yield quantiles(
        "Round trip",
        "From a ping to its answer: the network to the clients, and how busy both ends are.",
        "whatchat_heartbeat_seconds",
        to=DEBUG,
    )
    yield graph(
        "Polling that is not sticky",
        "Requests for a session that the pod does not have, per second.",
        "reqps",
        lines(f"sum by (pod) (rate(whatchat_unknown_sessions_total{RATE}))", "{{pod}}"),
        steps=((0, "green"), (0.1, "orange"), (1, "red")),
        per_pod=True,
        to=ROLLOUTS,
    )


def _outboxes() -> Panels:
    yield graph(
        "Outboxes",
        "What was written for clients and the network has not taken.",
        "bytes",
        lines("sum by (pod) (whatchat_outbox_bytes)", "{{pod}}"),
        steps=((0, "green"), (16 << 20, "orange"), (64 << 20, "red")),
        per_pod=True,
        width=QUARTER,
        to=DEBUG,
    )
    yield graph(
        "Congested sockets",
        "Sockets whose outbox waits for the client.",
        "short",
        lines("sum by (pod) (whatchat_congested_sockets)", "{{pod}}"),
        per_pod=True,
        width=QUARTER,
        to=DEBUG,
    )
    yield graph(
        "Typing and presence dropped",
        "Volatile events that were dropped for slow readers, per second.",
        "eps",
        lines(f"sum by (pod) (rate(whatchat_volatile_dropped_total{RATE}))", "{{pod}}"),
        per_pod=True,
        width=QUARTER,
        to=DEBUG,
    )
    yield graph(
        "Closed as too slow",
        "Sockets closed with 4408 per second: their clients reconnect and resume.",
        "cps",
        lines(f'sum by (pod) (rate(whatchat_closes_total{{code="4408"}}{RATE}))', "{{pod}}"),
        per_pod=True,
        width=QUARTER,
        to=DEBUG,
    )


def _process() -> Panels:
    yield graph(
        "CPU",
        "The share of one core that each process uses. A pod has one core to use.",
        "percentunit",
        lines(f"sum by (pod) (rate(process_cpu_seconds_total{RATE}) {OURS})", "{{pod}}"),
        steps=FULL_SOON,
        per_pod=True,
        to=LOAD,
    )
    yield of_each(
        "pod",
        "Event-loop lag",
        "How late timers run: the latest hundredth of each pod. All else waits as long.",
        "whatchat_event_loop_lag_seconds",
        steps=LAGGING,
        to=LOAD,
    )
    yield of_each(
        "generation",
        "Garbage collector's pauses",
        "How long everything stood still: the longest hundredth, by generation.",
        "whatchat_gc_pause_seconds",
        steps=LAGGING,
        to=LOAD,
    )
    yield graph(
        "Memory",
        "Resident memory of each process.",
        "bytes",
        lines(f"sum by (pod) (process_resident_memory_bytes {OURS})", "{{pod}}"),
        per_pod=True,
        to=LOAD,
    )
    yield graph(
        "Memory per socket",
        "The memory above that at the start, by connected sockets. Meaningful from some hundred "
        "sockets on.",
        "bytes",
        lines("max by (pod) (whatchat_socket_memory_bytes)", "{{pod}}"),
        per_pod=True,
        to=LOAD,
    )
    yield graph(
        "File descriptors",
        "The share of the limit that is in use. At 100 % nobody can connect.",
        "percentunit",
        lines(f"max by (pod) (process_open_fds / process_max_fds {OURS})", "{{pod}}"),
        steps=((0, "green"), (0.6, "orange"), (0.8, "red")),
        most=1,
        per_pod=True,
        to=ROLLOUTS,
    )
    yield graph(
        "Clock",
        "How far each process' clock is ahead of the store's; below zero: behind. Above two "
        "seconds, either way, time is not synchronised.",
        "s",
        lines("max by (pod) (whatchat_clock_skew_seconds)", "{{pod}}"),
        per_pod=True,
        width=QUARTER,
        to=ROLLOUTS,
    )
    yield graph(
        "Collections",
        "Garbage collections per second, by generation.",
        "ops",
        lines(
            f"sum by (generation) (rate(python_gc_collections_total{RATE}) {OURS})",
            "generation {{generation}}",
        ),
        width=QUARTER,
        to=LOAD,
    )
    yield states(
        "Ready",
        "When each pod and worker said that it may take traffic.",
        lines("min by (pod) (whatchat_ready)", "{{pod}}"),
        per_pod=True,
        width=QUARTER,
        to=ROLLOUTS,
        yes=("ready", "green"),
        no=("not ready", "red"),
    )
    yield states(
        "Dependencies",
        "When each dependency answered each pod.",
        lines("min by (pod, dependency) (whatchat_dependency_up)", "{{pod}}: {{dependency}}"),
        per_pod=True,
        width=QUARTER,
        to=BROKER,
        yes=("answers", "green"),
        no=("does not answer", "red"),
    )


def _draining() -> Panels:
    yield states(
        "Draining pods",
        "When each pod moved its clients away.",
        lines("max by (pod) (whatchat_draining)", "{{pod}}"),
        per_pod=True,
        to=ROLLOUTS,
        yes=("draining", "orange"),
        no=("serving", "green"),
    )
    yield graph(
        "Sockets left to move",
        "Sockets that a draining pod has yet to move. It falls evenly to nought.",
        "short",
        lines("sum by (pod) (whatchat_drain_sockets_left)", "{{pod}}"),
        per_pod=True,
        to=ROLLOUTS,
    )
    yield graph(
        "Cut off",
        "Sockets cut off around each point, as a drain ran out of time.",
        "short",
        lines(
            "sum by (pod) (increase(whatchat_drain_cut_off_total[$__rate_interval]))",
            "{{pod}}",
        ),
        steps=NONE_IS_GOOD,
        per_pod=True,
        to=ROLLOUTS,
    )


def _presence() -> Panels:
    yield graph(
        "Comings and goings told",
        "Changes of presence that people were told of, per second.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_presence_told_total{RATE}))", "{{pod}}"),
        per_pod=True,
        to=BROKER,
    )
    yield graph(
        "Put off",
        "Times per second that a pod left telling for later or to others, under load.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_presence_put_off_total{RATE}))", "{{pod}}"),
        per_pod=True,
        to=BROKER,
    )
    yield graph(
        "Never told",
        "Changes of presence that those who watch were not told of, per second.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_presence_dropped_total{RATE}))", "{{pod}}"),
        steps=ANY_IS_ODD,
        per_pod=True,
        to=BROKER,
    )


def _limits() -> Panels:
    yield graph(
        "Refused by limits",
        "Charges per second that a limit refused, by class of commands.",
        "reqps",
        lines(
            f'sum by (class) (rate(whatchat_limiter_verdicts_total{{verdict="refused"}}{RATE}))',
            "{{class}}",
        ),
        stacked=True,
        to=DEBUG,
    )
    yield graph(
        "Allowed by limits",
        "Charges per second that were within the limits, by class of commands.",
        "reqps",
        lines(
            f'sum by (class) (rate(whatchat_limiter_verdicts_total{{verdict="allowed"}}{RATE}))',
            "{{class}}",
        ),
        stacked=True,
        to=LOAD,
    )
    yield graph(
        "Decided without Redis",
        "Limits and counts per second that a pod kept alone, as Redis was away.",
        "reqps",
        lines(f"sum by (pod) (rate(whatchat_limiter_fallbacks_total{RATE}))", "{{pod}}: limits"),
        lines(f"sum by (pod) (rate(whatchat_tally_fallbacks_total{RATE}))", "{{pod}}: counts"),
        steps=ANY_IS_ODD,
        per_pod=True,
        to=BROKER,
    )
    yield graph(
        "Anomalies",
        "Anomalies around each point, by rule and by what was done about it.",
        "short",
        lines(
            "sum by (rule, action) (increase(whatchat_anomalies_total[$__rate_interval]))",
            "{{rule}}: {{action}}",
        ),
        width=HALF,
        to=DEBUG,
    )
    yield graph(
        "Acts that no rule saw",
        "Acts per second that no rule was asked about, as too many waited.",
        "cps",
        lines(f"sum by (pod) (rate(whatchat_anomaly_sightings_dropped_total{RATE}))", "{{pod}}"),
        steps=ANY_IS_ODD,
        width=HALF,
        per_pod=True,
        to=LOAD,
    )


def _audit() -> Panels:
    yield graph(
        "Audit records",
        "Records made for the audit log per second, by kind.",
        "recps",
        lines(f"sum by (kind) (rate(whatchat_audit_records_total{RATE}))", "{{kind}}"),
        stacked=True,
        width=QUARTER,
    )
    yield graph(
        "Acts not recorded",
        "Acts around each point that could not be recorded, as too many records waited.",
        "short",
        lines(
            "sum by (pod) (increase(whatchat_audit_dropped_total[$__rate_interval]))",
            "{{pod}}",
        ),
        steps=NONE_IS_GOOD,
        width=QUARTER,
        per_pod=True,
    )
    yield states(
        "Audit chain broken",
        "When a node knew the log's end not to be what had been sealed: somebody changed it.",
        lines("max by (pod) (whatchat_audit_chain_broken)", "{{pod}}"),
        width=QUARTER,
        per_pod=True,
        yes=("broken", "red"),
        no=("whole", "green"),
    )
    yield graph(
        "Issuer's keys unread",
        "Times around each point that the keys of the external issuer could not be read.",
        "short",
        lines(
            "sum by (pod) (increase(whatchat_issuer_failures_total[$__rate_interval]))",
            "{{pod}}",
        ),
        steps=ANY_IS_ODD,
        width=QUARTER,
        per_pod=True,
    )


def _observed() -> Panels:
    yield quantiles(
        "Time of a scrape",
        "How long the exposition took to make.",
        "whatchat_scrape_seconds",
    )
    yield graph(
        "Spans",
        "Spans of sampled traces per second, exported or dropped.",
        "cps",
        lines(f"sum by (outcome) (rate(whatchat_spans_total{RATE}))", "{{outcome}}"),
    )
    yield graph(
        "Live debug queries",
        "What was asked of the debug API per second, by outcome.",
        "reqps",
        lines(f"sum by (outcome) (rate(whatchat_debug_queries_total{RATE}))", "{{outcome}}"),
        to=DEBUG,
    )
