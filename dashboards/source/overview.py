"""Says whether it is healthy, whether anybody loses messages, since when, and which pod it is."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source.board import Panels, Row, board
from dashboards.source.links import BROKER, DEBUG, OVERVIEW, PODS, ROLLOUTS, STORE, narrower
from dashboards.source.live import Field
from dashboards.source.objectives import (
    DELIVERED_WITHIN,
    IN_TIME,
    LET_IN,
    SHARE,
    budget_left,
    burning,
)
from dashboards.source.panels import (
    ALL_IS_GOOD,
    FULL,
    HALF,
    LATE,
    NONE_IS_GOOD,
    QUARTER,
    Column,
    graph,
    number,
    of_each,
    quantile,
    quantiles,
    rows,
)
from dashboards.source.promql import OURS, RATE, SAME
from dashboards.source.queries import cells, lines, now

MESSAGES: Final = 'sum(rate(whatchat_entries_appended_total{change="posted"}[$__rate_interval]))'
DELIVERED: Final = 'sum(rate(whatchat_deliveries_total{event="message:new"}[$__rate_interval]))'

PROMISE: Final = ((0, "red"), (SHARE, "green"))
BUDGET: Final = ((-1000, "red"), (0, "orange"), (0.5, "green"))


WITHIN: Final = ((0, "green"), (DELIVERED_WITHIN, "red"))

POD: Final = narrower("All about this pod", PODS, pod="__data.fields.Pod")
LIVE: Final = narrower(
    "What happens on it now",
    DEBUG,
    pod="__data.fields.Pod",
    livePod="__data.fields.Name",
    room="",
    user="",
    socket="",
    message="",
)


def dashboard() -> Dashboard:
    """The first page to open."""
    return board(OVERVIEW, __doc__, _rows())


def _rows() -> Iterator[Row]:
    yield "", _health()
    yield "", _promises()
    yield "Which pod, since when?", [_alerts(), pods_at_a_glance(PODS)]
    yield "How fast is what may fail used up?", _burning()
    yield "Is anybody losing messages?", _messages()
    yield "Can people connect?", _connecting()
    yield "Do commands work?", _commands()
    yield "What it depends on", _dependencies()


def _health() -> Panels:
    yield number(
        "Targets up",
        "Of the pods and workers that were there within the last hour, the share that Prometheus "
        "can scrape now.",
        "percentunit",
        now(f"avg(up and {SAME} last_over_time(whatchat_build_info[1h]))", "up"),
        steps=ALL_IS_GOOD,
        to=PODS,
    )
    yield number(
        "Nodes ready",
        "The share of pods and workers that say they may take traffic.",
        "percentunit",
        now("avg(whatchat_ready)", "ready"),
        steps=((0, "red"), (0.67, "orange"), (0.999, "green")),
        to=PODS,
    )
    yield number(
        "Connected sockets",
        "Sockets that are connected now, on all pods.",
        "short",
        now("sum(whatchat_connected_sockets)", "sockets"),
        to=PODS,
    )
    yield number(
        "Messages accepted",
        "Messages that became durable, per second: what senders were acknowledged.",
        "mps",
        now(MESSAGES, "messages"),
        to=STORE,
    )
    yield number(
        "Messages delivered",
        "New messages written to sockets, per second: one for each socket.",
        "mps",
        now(DELIVERED, "deliveries"),
        to=BROKER,
    )
    yield number(
        "Lost on resuming",
        "Rooms, over the time shown, whose log did not reach back to the cursor of a client of the "
        "same epoch. Anything but nought is a broken promise.",
        "short",
        now('sum(increase(whatchat_resumes_total{outcome="lost"}[$__range]))', "lost"),
        steps=NONE_IS_GOOD,
        to=STORE,
    )


def _promises() -> Panels:
    yield number(
        "Taken and delivered in time",
        "Of what people said over the time shown, the share that was taken and reached sockets "
        f"within 250 ms of being durable. Promised: {SHARE:.1%} over 30 days.",
        "percentunit",
        now(IN_TIME, "in time"),
        nothing="Nobody said anything",
        width=QUARTER,
        to=BROKER,
        steps=PROMISE,
        decimals=2,
    )
    yield number(
        "Delivery budget left",
        "How much of the error budget of deliveries is left, if the time shown is its whole "
        "period: less than nought is overspent. Show 30 days for the objective's own.",
        "percentunit",
        now(budget_left(IN_TIME), "left"),
        nothing="Nobody said anything",
        width=QUARTER,
        to=BROKER,
        steps=BUDGET,
        decimals=1,
    )
    yield number(
        "Connected without our fault",
        "Of those who tried to connect over the time shown, the share that was not refused by an "
        f"error of the server. Promised: {SHARE:.1%} over 30 days.",
        "percentunit",
        now(LET_IN, "let in"),
        nothing="Nobody tried",
        width=QUARTER,
        to=ROLLOUTS,
        steps=PROMISE,
        decimals=2,
    )
    yield number(
        "Connect budget left",
        "How much of the error budget of connecting is left, if the time shown is its whole "
        "period: less than nought is overspent. Show 30 days for the objective's own.",
        "percentunit",
        now(budget_left(LET_IN), "left"),
        nothing="Nobody tried",
        width=QUARTER,
        to=ROLLOUTS,
        steps=BUDGET,
        decimals=1,
    )


def _burning() -> Panels:
    yield _burn_rate(
        "Delivery budget",
        "By the messages that are not taken, or late",
        "namespace:whatchat_delivery_errors",
        BROKER,
    )
    yield _burn_rate(
        "Connect budget",
        "By the sockets that are refused through the server's fault",
        "namespace:whatchat_connect_errors",
        ROLLOUTS,
    )


def _burn_rate(budget: str, by: str, errors: str, to: str) -> Builder[Panel]:
    return graph(
        f"{budget}, burn rate",
        f"{by}: how many times too fast the worst installation uses up its error budget, over "
        "windows of several lengths. At 1 it lasts for 30 days; 14.4 over an hour and 6 over six "
        "hours wake somebody.",
        "suffix:x",
        *(lines(burning(errors, window), window) for window in ("5m", "1h", "6h", "3d")),
        steps=((0, "green"), (1, "orange"), (6, "red"), (14.4, "dark-red")),
        width=HALF,
        nothing="Nobody did anything",
        to=to,
    )


def _alerts() -> Builder[Panel]:
    told = 'max by (alertname, alertstate, severity, pod) (ALERTS{alertname=~"Whatchat.*"})'
    began = 'max by (alertname, severity, pod) (ALERTS_FOR_STATE{alertname=~"Whatchat.*"})'
    since = f"{told} * on (alertname, severity, pod) group_left () {began} * 1000"
    return rows(
        "What is wrong, and since when",
        "Alerts that are pending or firing, the longest first. docs/runbooks has a page for each.",
        [
            Field("alertname", "Alert"),
            Field("alertstate", "State"),
            Field("severity", "Severity"),
            Field("pod", "Pod", links=[POD]),
        ],
        [Column("Since", cells(since), "dateTimeFromNow")],
        width=10,
        nothing="Nothing is pending or firing",
        sorted_by="Since",
        colours={"firing": "red", "page": "red", "pending": "orange", "ticket": "orange"},
    )


def pods_at_a_glance(first: str) -> Builder[Panel]:
    """Each pod with what tells that it is unwell; its name leads to ``first``, or elsewhere.

    A pod that is gone without leave keeps its row, as long as Prometheus looks for it.
    """
    up = f"min by (pod) (up and {SAME} last_over_time(whatchat_build_info[1h]))"
    named = "max by (pod, name) (whatchat_build_info)"
    ready = f"min by (pod) (whatchat_ready) * on (pod) group_left (name) {named}"
    return rows(
        "Pods at a glance",
        "Each pod and worker now. A click on its name leads to all about it. Name is what "
        "it calls itself, live and in logs.",
        [
            Field("pod", "Pod", links=[POD, LIVE] if first == PODS else [LIVE, POD]),
            Field("name", "Name"),
        ],
        [
            Column("Up", cells(up), "bool_yes_no", ALL_IS_GOOD),
            Column("Ready", cells(ready), "bool_yes_no", ALL_IS_GOOD),
            Column("Sockets", cells("sum by (pod) (whatchat_connected_sockets)")),
            Column(
                "CPU",
                cells(f"sum by (pod) (rate(process_cpu_seconds_total{RATE}) {OURS})"),
                "percentunit",
                ((0, "green"), (0.7, "orange"), (0.9, "red")),
            ),
            Column(
                "Memory", cells(f"sum by (pod) (process_resident_memory_bytes {OURS})"), "bytes"
            ),
            Column(
                "Loop lag",
                cells(quantile(0.99, "whatchat_event_loop_lag_seconds", "pod")),
                "s",
                ((0, "green"), (0.1, "orange"), (0.5, "red")),
            ),
            Column(
                "Delivery",
                cells(quantile(0.99, "whatchat_delivery_seconds", "pod")),
                "s",
                ((0, "green"), (DELIVERED_WITHIN, "orange"), (1, "red")),
            ),
            Column(
                "Canary",
                cells("max by (pod) (whatchat_broker_canary_age_seconds)"),
                "s",
                ((0, "green"), (5, "orange"), (15, "red")),
            ),
            Column("Outboxes", cells("sum by (pod) (whatchat_outbox_bytes)"), "bytes"),
            Column(
                "Started",
                cells(f"max by (pod) (process_start_time_seconds {OURS}) * 1000"),
                "dateTimeFromNow",
            ),
        ],
        width=14 if first == PODS else FULL,
        nothing="No pod tells anything",
        sorted_by="Pod",
    )


def _messages() -> Panels:
    yield graph(
        "Accepted and delivered",
        "Messages made durable, and deliveries of new messages to sockets. Deliveries that fall "
        "while messages are accepted say that people wait.",
        "mps",
        lines(MESSAGES, "accepted"),
        lines(DELIVERED, "delivered"),
        to=BROKER,
    )
    yield quantiles(
        "Delivery time",
        "From a change's being durable to its being written to the sockets of a pod, on all pods.",
        "whatchat_delivery_seconds",
        steps=WITHIN,
        to=BROKER,
    )
    yield of_each(
        "pod",
        "Delivery time by pod",
        "The slowest hundredth of each pod: one that stands out is the one to look at.",
        "whatchat_delivery_seconds",
        steps=WITHIN,
        to=PODS,
    )
    yield graph(
        "What had to be mended",
        "Announcements that the broker did not take, rooms that a pod read from the store as it "
        "had missed something, and appends that another writer was faster than. Nobody loses a "
        "message by these, but they are why somebody waits.",
        "cps",
        lines(f"sum(rate(whatchat_broker_publish_failures_total{RATE}))", "not published"),
        lines(f"sum by (cause) (rate(whatchat_gap_repairs_total{RATE}))", "gap: {{cause}}"),
        lines(f"sum(rate(whatchat_append_conflicts_total{RATE}))", "append conflicts"),
        to=BROKER,
    )
    yield graph(
        "Rooms not announced yet",
        "Rooms with changes that are durable, and that a pod has yet to tell the others. It "
        "should come back to nought within seconds of Redis' return.",
        "short",
        lines("sum by (pod) (whatchat_dirty_rooms)", "{{pod}}"),
        steps=((0, "green"), (1, "orange")),
        to=BROKER,
        per_pod=True,
    )
    yield graph(
        "How clients resumed",
        "Rooms that clients asked for with a cursor: recovered without a gap, begun anew with a "
        "snapshot, or lost, which must never be.",
        "cps",
        lines(f"sum by (outcome) (rate(whatchat_resumes_total{RATE}))", "{{outcome}}"),
        to=STORE,
    )


def _connecting() -> Panels:
    yield graph(
        "Sockets by pod",
        "Connected sockets. One pod far from the others is new, draining, or badly balanced.",
        "short",
        lines("sum by (pod) (whatchat_connected_sockets)", "{{pod}}"),
        stacked=True,
        to=PODS,
        per_pod=True,
    )
    yield graph(
        "Comings and goings",
        "Sockets let in and sockets gone, per second. Both high at once is a reconnect storm.",
        "cps",
        lines(f"sum(rate(whatchat_connects_total{RATE}))", "let in"),
        lines(f"sum(rate(whatchat_closes_total{RATE}))", "gone"),
        to=PODS,
    )
    yield graph(
        "Refused, by reason",
        "Handshakes and CONNECTs refused per second: by the error's code, or by the status of a "
        "handshake. Only `unavailable` and 5xx are the server's fault.",
        "cps",
        lines(f"sum by (reason) (rate(whatchat_refusals_total{RATE}))", "{{reason}}"),
        stacked=True,
        to=PODS,
    )
    yield graph(
        "Gone, by close code",
        "Why sockets went: `client` left by itself; 4401 token, 4408 too slow, 4429 flooding, "
        "4503 draining.",
        "cps",
        lines(f"sum by (code) (rate(whatchat_closes_total{RATE}))", "{{code}}"),
        stacked=True,
        to=PODS,
    )
    yield quantiles(
        "Time to connect",
        "From a transport's opening to the greeting of its client.",
        "whatchat_connect_seconds",
        to=PODS,
    )
    yield graph(
        "Polling that is not sticky",
        "Requests for a session that the pod does not have, per second: the ingress sends a client "
        "to another pod. A few follow every restart.",
        "reqps",
        lines(f"sum by (pod) (rate(whatchat_unknown_sessions_total{RATE}))", "{{pod}}"),
        steps=((0, "green"), (0.1, "orange"), (1, "red")),
        to=ROLLOUTS,
        per_pod=True,
    )


def _commands() -> Panels:
    yield graph(
        "Commands",
        "Commands per second, the ten busiest.",
        "reqps",
        lines(f"topk(10, sum by (command) (rate(whatchat_commands_total{RATE})))", "{{command}}"),
        stacked=True,
        to=PODS,
    )
    yield graph(
        "Commands that were refused, by outcome",
        "Commands per second that did not end with ok. `unavailable` is ours; the others are what "
        "clients asked for and may not have.",
        "reqps",
        lines(
            f'sum by (outcome) (rate(whatchat_commands_total{{outcome!="ok"}}{RATE}))',
            "{{outcome}}",
        ),
        stacked=True,
        nothing="None was refused",
        to=PODS,
    )
    yield graph(
        "Time of commands",
        "The slowest hundredth of each command, the ten slowest.",
        "s",
        lines(
            f"topk(10, {quantile(0.99, 'whatchat_command_seconds', 'command')})",
            "{{command}}",
            exemplars=True,
        ),
        steps=LATE,
        to=STORE,
    )


def _dependencies() -> Panels:
    yield graph(
        "Dependencies that answer",
        "The share of nodes whose store, Redis and so on answered when last asked.",
        "percentunit",
        lines("avg by (dependency) (whatchat_dependency_up)", "{{dependency}}"),
        most=1,
        to=STORE,
    )
    yield of_each(
        "operation",
        "Time of the store",
        "The slowest hundredth of each kind of operation, without those that wait for what is "
        "yet to come.",
        'whatchat_store_seconds{operation!~"watch|getMore"}',
        to=STORE,
    )
    yield quantiles(
        "Time of Redis",
        "From a request to Redis to its answer.",
        "whatchat_redis_seconds",
        to=BROKER,
    )
