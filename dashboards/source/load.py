"""Says how far a load test has come, and what gives way first."""

from collections.abc import Iterator

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.source import load_generator
from dashboards.source.board import Panels, Row, board
from dashboards.source.links import BROKER, LOAD, PODS, STORE
from dashboards.source.objectives import DELIVERED_WITHIN
from dashboards.source.panels import HALF, graph, number, of_each, quantiles, spread
from dashboards.source.promql import OURS, RATE
from dashboards.source.queries import lines, now

MESSAGES = 'sum(increase(whatchat_entries_appended_total{change="posted"}[$__range]))'
DELIVERIES = 'sum(increase(whatchat_deliveries_total{event="message:new"}[$__range]))'
TAIL = (0.5, 0.9, 0.99, 0.999)
WITHIN = ((0, "green"), (DELIVERED_WITHIN, "red"))


def dashboard() -> Dashboard:
    """To be watched while a test runs: the last fifteen minutes, every five seconds."""
    return board(LOAD, __doc__, _rows(), span="now-15m", refresh="5s")


def _rows() -> Iterator[Row]:
    yield "", _totals()
    yield "Load generator", load_generator.panels()
    yield "Throughput", _throughput()
    yield "Times", _times()
    yield "What gives way", _limits()


def _totals() -> Panels:
    yield number(
        "Sockets",
        "Sockets connected now.",
        "short",
        now("sum(whatchat_connected_sockets)", "sockets"),
        to=PODS,
    )
    yield number(
        "Messages in all",
        "Messages made durable over the time shown.",
        "short",
        now(MESSAGES, "accepted"),
        to=STORE,
    )
    yield number(
        "Deliveries in all",
        "New messages written to sockets over the time shown.",
        "short",
        now(DELIVERIES, "delivered"),
        to=BROKER,
    )
    yield number(
        "Deliveries per message",
        "How many sockets a message is for: compare it with what the test sets out to do.",
        "short",
        now(f"{DELIVERIES} / {MESSAGES}", "per message"),
        decimals=1,
        to=BROKER,
    )
    yield number(
        "CPU per 1,000 deliveries",
        "Seconds of a core for 1,000 events written to sockets: what a test is compared by.",
        "s",
        now(
            f"1000 * sum(rate(process_cpu_seconds_total{RATE}) {OURS}) "
            f"/ sum(rate(whatchat_deliveries_total{RATE}))",
            "CPU",
        ),
        decimals=3,
        to=PODS,
    )
    yield number(
        "Memory per socket",
        "The memory above that at the start, by connected sockets: the highest pod's.",
        "bytes",
        now("max(whatchat_socket_memory_bytes)", "memory"),
        to=PODS,
    )


def _throughput() -> Panels:
    yield graph(
        "Messages accepted",
        "Messages made durable per second, by pod.",
        "mps",
        lines(
            f'sum by (pod) (rate(whatchat_entries_appended_total{{change="posted"}}{RATE}))',
            "{{pod}}",
        ),
        stacked=True,
        per_pod=True,
        to=STORE,
    )
    yield graph(
        "Events delivered",
        "Events written to sockets per second, by event.",
        "eps",
        lines(f"sum by (event) (rate(whatchat_deliveries_total{RATE}))", "{{event}}"),
        stacked=True,
        to=BROKER,
    )
    yield graph(
        "Fan-out",
        "Sockets of a pod that one event is for, on average, by pod.",
        "short",
        lines(
            f"sum by (pod) (rate(whatchat_fanout_sockets_sum{RATE})) "
            f"/ sum by (pod) (rate(whatchat_fanout_sockets_count{RATE}))",
            "{{pod}}",
        ),
        per_pod=True,
        to=BROKER,
    )
    yield graph(
        "Let in and refused",
        "Sockets let in and refused per second.",
        "cps",
        lines(f"sum(rate(whatchat_connects_total{RATE}))", "let in"),
        lines(f"sum(rate(whatchat_refusals_total{RATE}))", "refused"),
        width=HALF,
        to=PODS,
    )
    yield graph(
        "Commands",
        "Commands per second by outcome.",
        "reqps",
        lines(f"sum by (outcome) (rate(whatchat_commands_total{RATE}))", "{{outcome}}"),
        stacked=True,
        width=HALF,
        to=STORE,
    )


def _times() -> Panels:
    yield quantiles(
        "Time to connect",
        "From a transport's opening to the greeting of its client.",
        "whatchat_connect_seconds",
        of=TAIL,
        to=PODS,
    )
    yield quantiles(
        "Time to accept",
        "From a change's being asked of its room to its being durable.",
        "whatchat_accept_seconds",
        of=TAIL,
        to=STORE,
    )
    yield quantiles(
        "Delivery time",
        "From a change's being durable to its being written to the sockets of a pod.",
        "whatchat_delivery_seconds",
        of=TAIL,
        steps=WITHIN,
        to=BROKER,
    )
    yield spread(
        "Delivery times",
        "How many announcements took how long; points are traces.",
        "whatchat_delivery_seconds",
        to=BROKER,
    )
    yield quantiles(
        "Time of sending",
        "How long sending a message took, from its arrival to its acknowledgement.",
        'whatchat_command_seconds{command="SendMessage"}',
        of=TAIL,
        width=HALF,
        to=STORE,
    )


def _limits() -> Panels:
    yield graph(
        "CPU",
        "The share of its one core that each pod uses.",
        "percentunit",
        lines(f"sum by (pod) (rate(process_cpu_seconds_total{RATE}) {OURS})", "{{pod}}"),
        steps=((0, "green"), (0.9, "red")),
        per_pod=True,
        to=PODS,
    )
    yield of_each(
        "pod",
        "Event-loop lag",
        "How late timers run: the latest hundredth of each pod.",
        "whatchat_event_loop_lag_seconds",
        steps=((0, "green"), (0.1, "orange"), (0.5, "red")),
        to=PODS,
    )
    yield graph(
        "Outboxes",
        "What was written for clients and the network has not taken.",
        "bytes",
        lines("sum by (pod) (whatchat_outbox_bytes)", "{{pod}}"),
        per_pod=True,
        to=PODS,
    )
    yield graph(
        "Turned away",
        "Commands refused by limits, volatile events dropped, and sockets closed as too slow, "
        "per second.",
        "cps",
        lines(f'sum(rate(whatchat_limiter_verdicts_total{{verdict="refused"}}{RATE}))', "refused"),
        lines(f"sum(rate(whatchat_volatile_dropped_total{RATE}))", "dropped"),
        lines(f'sum(rate(whatchat_closes_total{{code="4408"}}{RATE}))', "too slow"),
        to=PODS,
    )
    yield graph(
        "Appends",
        "Appends per second, and those that found their rev taken.",
        "wps",
        lines(f"sum(rate(whatchat_append_batch_size_count{RATE}))", "appends"),
        lines(f"sum(rate(whatchat_append_conflicts_total{RATE}))", "conflicts"),
        to=STORE,
    )
    yield quantiles(
        "Time of Redis",
        "From a request to Redis to its answer.",
        "whatchat_redis_seconds",
        to=BROKER,
    )
