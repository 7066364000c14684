"""What the people of a load test meet, next to what the servers say of the same."""

from typing import Final

from grafana_foundation_sdk.builders import timeseries

from dashboards.source.board import Panels
from dashboards.source.links import BROKER, PODS, STORE
from dashboards.source.objectives import DELIVERED_WITHIN
from dashboards.source.panels import NONE_IS_GOOD, graph, number, quantile
from dashboards.source.promql import RANGE, RATE, SAME
from dashboards.source.queries import lines, now

NO_RUN: Final = "no run"
SENDING: Final = 'whatchat_command_seconds{command="SendMessage"}'
SCENARIO: Final = f"* {SAME} group_left (scenario) whatchat_load_info"


def panels() -> Panels:
    """Who is there, how fast they get on, and what they meet that should not be."""
    yield from _totals()
    yield from _amounts()
    yield from _times()
    yield from _troubles()


def _totals() -> Panels:
    yield number(
        "Users",
        "Users of the load test that are there now.",
        "short",
        now("sum(whatchat_load_users)", "users"),
        nothing=NO_RUN,
    )
    yield number(
        "Accepted by the second",
        "Messages that users had acknowledged, per second.",
        "mps",
        now(f"sum(rate(whatchat_load_accepted_total{RATE}))", "accepted"),
        nothing=NO_RUN,
        to=STORE,
    )
    yield number(
        "Delivered by the second",
        "Messages that reached somebody, once for each, per second.",
        "mps",
        now(f"sum(rate(whatchat_load_delivered_total{RATE}))", "delivered"),
        nothing=NO_RUN,
        to=BROKER,
    )
    for title, says, counted in (
        ("Lost", "Acknowledged messages that somebody did not hold at the end", "lost"),
        ("Duplicated", "Messages that somebody held twice", "duplicated"),
        ("Answered with 400", "Requests that a server found wrong", "bad_requests"),
    ):
        yield number(
            title,
            f"{says}: the most of any run of the time shown.",
            "short",
            now(f"max(max_over_time(whatchat_load_{counted}_total{RANGE}))", counted),
            steps=NONE_IS_GOOD,
            nothing=NO_RUN,
        )


def _amounts() -> Panels:
    yield graph(
        "Users and sockets",
        "Users that are to be there, are there, and are signed in; and what the servers hold.",
        "short",
        lines(f"sum by (scenario) (whatchat_load_wanted_users {SCENARIO})", "{{scenario}} wanted"),
        lines("sum(whatchat_load_users)", "users"),
        lines("sum(whatchat_load_connected_users)", "signed in"),
        lines("sum(whatchat_connected_sockets)", "sockets"),
        to=PODS,
    )
    yield graph(
        "Connects of users",
        "Connections that users tried to make, made again, and tried in vain, per second.",
        "cps",
        lines(
            f'sum by (name) (rate(whatchat_load_requests_total{{type="connect"}}{RATE}))',
            "{{name}}",
        ),
        lines(f'sum(rate(whatchat_load_requests_total{{type="reconnect"}}{RATE}))', "again"),
        lines(
            f'sum(rate(whatchat_load_failures_total{{type=~"connect|reconnect"}}{RATE}))',
            "in vain",
        ),
        to=PODS,
    )
    yield graph(
        "Messages of users",
        "Messages acknowledged and delivered per second, as users see it and as servers do.",
        "mps",
        lines(f"sum(rate(whatchat_load_accepted_total{RATE}))", "acknowledged"),
        lines(f"sum(rate(whatchat_load_delivered_total{RATE}))", "delivered"),
        lines(
            f'sum(rate(whatchat_entries_appended_total{{change="posted"}}{RATE}))',
            "servers: made durable",
        ),
        lines(
            f'sum(rate(whatchat_deliveries_total{{event="message:new"}}{RATE}))',
            "servers: written",
        ),
        to=STORE,
    )


def _times() -> Panels:
    yield _compared(
        "Delivery as users see it",
        "From a sender's write to a receiver's read; and what of it is the servers', from a "
        "message's being durable to its being written to sockets.",
        "delivery",
        "whatchat_delivery_seconds",
        to=BROKER,
        within=DELIVERED_WITHIN,
    )
    yield _compared(
        "Acknowledgement as users see it",
        "From a command to its acknowledgement; and what of it is the servers', for messages.",
        "ack",
        SENDING,
        to=STORE,
    )
    yield _compared(
        "Connecting as users see it",
        "From opening TCP, or from a connection's loss, to being up to date; and what of it is the "
        "servers', from a transport's opening to the greeting.",
        "connect|reconnect",
        "whatchat_connect_seconds",
        to=PODS,
        within=2,
    )


def _compared(
    title: str, says: str, kind: str, servers: str, *, to: str, within: float = 1
) -> timeseries.Panel:
    """Quantiles as users see them, and the servers' own, whose points are traces."""
    users = f'whatchat_load_seconds{{type=~"{kind}"}}'
    return graph(
        title,
        says,
        "s",
        lines(quantile(0.5, users), "users p50"),
        lines(quantile(0.99, users), "users p99"),
        lines(quantile(0.5, servers), "servers p50"),
        lines(quantile(0.99, servers), "servers p99", exemplars=True),
        steps=((0, "green"), (within, "red")),
        to=to,
    )


def _troubles() -> Panels:
    yield graph(
        "Failures of users",
        "What users tried in vain, commands that were refused, messages that had to be sent again "
        "or came to somebody outside the room, and errors of the generator itself, per second.",
        "cps",
        lines(
            f"sum by (type, name) (rate(whatchat_load_failures_total{RATE}))", "{{type}} {{name}}"
        ),
        lines(f"sum(rate(whatchat_load_refused_total{RATE}))", "refused"),
        lines(f"sum(rate(whatchat_load_unknown_total{RATE}))", "sent again"),
        lines(f"sum(rate(whatchat_load_misdelivered_total{RATE}))", "misdelivered"),
        lines(f"sum(rate(whatchat_load_crashed_total{RATE}))", "crashed"),
        to=STORE,
    )
    yield graph(
        "Connections that ended",
        "Users' connections that ended, by the WebSocket's close code, and those that nobody had "
        "asked to move, per second.",
        "cps",
        lines(f"sum by (code) (rate(whatchat_load_closes_total{RATE}))", "{{code}}"),
        lines(f"sum(rate(whatchat_load_dropped_total{RATE}))", "not asked to"),
        to=PODS,
    )
    yield graph(
        "CPU of the load generator",
        "The share of its core that each of its processes takes: above 0.9 it measures itself.",
        "percentunit",
        lines("max by (of) (whatchat_load_cpu_ratio)", "{{of}}"),
        steps=((0, "green"), (0.9, "red")),
    )
