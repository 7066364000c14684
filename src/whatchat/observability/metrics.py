"""Every metric there is; dashboards and alerts use only these names."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import structlog
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from whatchat.observability.beginnings import BEGINNINGS
from whatchat.observability.declared import (
    Declared,
    counter,
    gauge,
    histogram,
    loop_histogram,
)

# When each series began: nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CROWDS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)

COMMANDS: Final = 100
"""So many commands there may be; what clients make up is counted as ``unknown``."""

OUTCOMES: Final = 11
CODES: Final = 16
GROUPS: Final = 8

log = structlog.get_logger("whatchat.metrics")


class Metrics:
    """One pod's metrics, in a registry of their own: several pods may share a process.

    User and room ids, addresses and what clients make up are never labels.
    """

    # Sockets.
    connected_sockets = gauge(
        "whatchat_connected_sockets", "sockets", "Sockets connected now.", transport=2
    )
    connects = counter("whatchat_connects", "sockets", "Sockets let in.", transport=2)
    refusals = counter(
        "whatchat_refusals",
        "sockets",
        "Handshakes refused, by their status (`moved`: sent on by the pod that had just sent them "
        "away), and CONNECTs, by the error's code.",
        reason=CODES,
    )
    unknown_sessions = counter(
        "whatchat_unknown_sessions",
        "requests",
        "Requests for a session that this pod does not have: polling that is not sticky.",
    )
    closes = counter(
        "whatchat_closes",
        "sockets",
        "Sockets that had been let in and are gone: by the server's close code, or `client`.",
        code=CODES,
    )
    connect_seconds = histogram(
        "whatchat_connect_seconds",
        "seconds",
        "From a transport's opening to the greeting of its client.",
        SECONDS,
    )
    heartbeat_seconds = loop_histogram(
        "whatchat_heartbeat_seconds", "seconds", "From a ping to its answer.", SECONDS
    )
    local_rooms = gauge("whatchat_local_rooms", "rooms", "Rooms with a socket on this pod.")
    local_users = gauge("whatchat_local_users", "users", "People with a socket on this pod.")
    outbox_bytes = gauge(
        "whatchat_outbox_bytes", "bytes", "Written for clients and not yet taken by the network."
    )
    congested_sockets = gauge(
        "whatchat_congested_sockets", "sockets", "Sockets whose outbox has to wait for the client."
    )
    volatile_dropped = counter(
        "whatchat_volatile_dropped",
        "events",
        "Typing and presence that were dropped, as a client left too much unread.",
    )
    resumes = counter(
        "whatchat_resumes",
        "rooms",
        "Rooms that were answered to a client with a cursor: recovered, snapshot (it starts anew), "
        "lost (the log does not reach the cursor although the client named this epoch).",
        outcome=3,
    )
    draining = gauge("whatchat_draining", "pods", "1 while this pod moves its clients away.")
    drain_sockets_left = gauge(
        "whatchat_drain_sockets_left", "sockets", "Sockets that a draining pod has yet to move."
    )
    drain_cut_off = counter(
        "whatchat_drain_cut_off",
        "sockets",
        "Sockets that a drain closed before their commands were answered, or could not close.",
    )
    rebalanced_sockets = counter(
        "whatchat_rebalanced_sockets",
        "sockets",
        "Sockets that this pod, having more than its share, told to go to others.",
    )
    surplus_sockets = gauge(
        "whatchat_surplus_sockets",
        "sockets",
        "Sockets that this pod has beyond its share and is sending to others; 0 while it is not.",
    )

    # Commands and the log.
    commands = counter(
        "whatchat_commands",
        "commands",
        "Commands by name and outcome: ok, or the error's code.",
        command=COMMANDS,
        outcome=OUTCOMES,
    )
    command_seconds = histogram(
        "whatchat_command_seconds",
        "seconds",
        "How long commands took.",
        SECONDS,
        command=COMMANDS,
    )
    entries_appended = counter(
        "whatchat_entries_appended",
        "entries",
        "Entries of the log that this node made durable, by kind of change.",
        change=20,
    )
    accept_seconds = loop_histogram(
        "whatchat_accept_seconds",
        "seconds",
        "From a change's being asked of its room to its being durable.",
        SECONDS,
    )
    append_conflicts = counter(
        "whatchat_append_conflicts",
        "appends",
        "Appends that found their rev taken by another writer.",
    )
    append_batch_size = histogram(
        "whatchat_append_batch_size", "entries", "Entries per append.", SIZES
    )
    dirty_rooms = gauge(
        "whatchat_dirty_rooms", "rooms", "Rooms with changes that have yet to be announced."
    )

    # From the log to the sockets.
    deliveries = counter(
        "whatchat_deliveries", "events", "Events written to sockets, one per socket.", event=40
    )
    delivery_seconds = loop_histogram(
        "whatchat_delivery_seconds",
        "seconds",
        "From a change's being durable to its being written to the sockets of this pod; "
        "from another pod (remote) the clocks of two machines count.",
        SECONDS,
        origin=2,
    )
    fanout_sockets = loop_histogram(
        "whatchat_fanout_sockets", "sockets", "Sockets of this pod that one event is for.", CROWDS
    )
    gap_repairs = counter(
        "whatchat_gap_repairs",
        "rooms",
        "Rooms in which this pod missed something and read it from the store, by how it knew: "
        "hole (a later rev came), heads (by comparison), given_up (the store has it neither).",
        cause=3,
    )

    # The broker and Redis.
    broker_published = counter(
        "whatchat_broker_published", "announcements", "Announcements handed to the broker."
    )
    broker_received = counter(
        "whatchat_broker_received", "announcements", "Announcements of other pods that arrived."
    )
    publish_failures = counter(
        "whatchat_broker_publish_failures",
        "announcements",
        "Announcements that the broker did not take.",
    )
    broker_bad_envelopes = counter(
        "whatchat_broker_bad_envelopes",
        "envelopes",
        "What arrived from the broker and could not be read.",
    )
    broker_canary_age_seconds = gauge(
        "whatchat_broker_canary_age_seconds",
        "seconds",
        "Seconds since this pod last heard itself by the broker.",
    )
    broker_deafness = counter(
        "whatchat_broker_deafness",
        "times",
        "Times that the broker took what this pod said and this pod did not hear it.",
    )
    broker_channels = gauge(
        "whatchat_broker_channels", "channels", "Channels that this pod is subscribed to."
    )
    redis_reconnects = counter(
        "whatchat_redis_reconnects",
        "connections",
        "Connections to Redis that replaced lost ones: commands, subscriptions.",
        link=2,
    )
    redis_seconds = histogram(
        "whatchat_redis_seconds", "seconds", "From a request to Redis to its answer.", SECONDS
    )
    redis_failures = counter(
        "whatchat_redis_failures", "requests", "Requests that Redis did not answer, or refused."
    )
    redis_waiting = gauge(
        "whatchat_redis_waiting", "requests", "Requests to Redis that wait for their answer."
    )

    # The store.
    store_seconds = histogram(
        "whatchat_store_seconds",
        "seconds",
        "How long the store took, by operation: MongoDB's commands, SQLite's reads and commits.",
        SECONDS,
        operation=20,
    )
    store_failures = counter(
        "whatchat_store_failures", "operations", "Operations that the store failed.", operation=20
    )
    store_wait_seconds = histogram(
        "whatchat_store_wait_seconds",
        "seconds",
        "How long an operation waited for a connection of the pool, or for SQLite's writer.",
        SECONDS,
    )
    store_connections = gauge(
        "whatchat_store_connections", "connections", "Connections to the store.", state=2
    )

    # Background work.
    work_fed = counter(
        "whatchat_work_fed", "entries", "Entries of the log that this worker fed to the work queue."
    )
    work_feed_lag_seconds = gauge(
        "whatchat_work_feed_lag_seconds",
        "seconds",
        "How old the entry is that this worker feeds next; 0 if there is none.",
    )
    work_waiting = gauge(
        "whatchat_work_waiting",
        "jobs",
        "Jobs of the queue that are not finished, by group.",
        group=GROUPS,
    )
    work_done = counter("whatchat_work_done", "jobs", "Jobs finished, by group.", group=GROUPS)
    work_put_aside = counter(
        "whatchat_work_put_aside",
        "jobs",
        "Jobs given up on after too many attempts, by group.",
        group=GROUPS,
    )
    dead_letters = gauge(
        "whatchat_dead_letters", "jobs", "Jobs that were given up on and wait for somebody to look."
    )

    # Presence.
    presence_told = counter(
        "whatchat_presence_told", "changes", "Comings and goings that this pod told people of."
    )
    presence_put_off = counter(
        "whatchat_presence_put_off",
        "times",
        "Times that this pod left telling of them for later, or to others, under load.",
    )
    presence_dropped = counter(
        "whatchat_presence_dropped",
        "changes",
        "Comings and goings that those who watch were not told of.",
    )

    # Limits, anomalies, audit.
    limiter_verdicts = counter(
        "whatchat_limiter_verdicts",
        "charges",
        "What was asked of the limits, by class of commands: allowed, refused.",
        class_=12,
        verdict=2,
    )
    limiter_fallbacks = counter(
        "whatchat_limiter_fallbacks",
        "charges",
        "Charges that this pod decided alone, as Redis was away.",
    )
    tally_fallbacks = counter(
        "whatchat_tally_fallbacks",
        "counts",
        "Counts that this pod kept alone, as Redis was away.",
    )
    anomalies = counter(
        "whatchat_anomalies",
        "anomalies",
        "Anomalies found by this pod, by rule and by what is done about it.",
        rule=40,
        action=4,
    )
    anomaly_sightings_dropped = counter(
        "whatchat_anomaly_sightings_dropped",
        "acts",
        "Acts that no rule was asked about, as too many waited.",
    )
    audit_records = counter(
        "whatchat_audit_records",
        "records",
        "Records that this node made for the audit log, by kind.",
        kind=60,
    )
    audit_dropped = counter(
        "whatchat_audit_dropped",
        "records",
        "Acts that this node could not record, as too many records waited for the store.",
    )
    audit_chain_broken = gauge(
        "whatchat_audit_chain_broken",
        "chains",
        "1 once the audit log's end was found not to be what this node had sealed or read.",
    )
    issuer_failures = counter(
        "whatchat_issuer_failures",
        "readings",
        "Times that the keys of the external issuer could not be read.",
    )

    # The process.
    loop_lag_seconds = histogram(
        "whatchat_event_loop_lag_seconds",
        "seconds",
        "How late the event loop ran a timer.",
        SECONDS,
    )
    gc_pause_seconds = loop_histogram(
        "whatchat_gc_pause_seconds",
        "seconds",
        "How long the garbage collector stopped everything, by generation.",
        SECONDS,
        generation=3,
    )
    socket_memory_bytes = gauge(
        "whatchat_socket_memory_bytes",
        "bytes",
        "The process' resident memory above that at its start, by its connected sockets.",
    )
    ready = gauge("whatchat_ready", "pods", "1 while this node may take traffic.")
    dependency_up = gauge(
        "whatchat_dependency_up",
        "dependencies",
        "1 if the dependency answered when it was last asked.",
        dependency=4,
    )
    clock_skew_seconds = gauge(
        "whatchat_clock_skew_seconds",
        "seconds",
        "How far this process' clock is ahead of the store's; negative: behind.",
    )
    build_info = gauge(
        "whatchat_build_info",
        "nodes",
        "1, with the version of the product and of what it runs on, and with the name by which "
        "debug, admin, logs and traces call this process.",
        version=2,
        python=2,
        role=2,
        name_=1,
    )

    # How it is observed.
    spans = counter(
        "whatchat_spans",
        "spans",
        "Spans of sampled traces, by what became of them: exported, dropped.",
        outcome=2,
    )
    debug_queries = counter(
        "whatchat_debug_queries",
        "queries",
        "What was asked of the debug API, by outcome: ok, or the error's code.",
        outcome=OUTCOMES,
    )
    scrape_seconds = histogram(
        "whatchat_scrape_seconds",
        "seconds",
        "Processor time that an exposition took of the event loop.",
        SECONDS,
    )

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._refreshed: list[Callable[[], None]] = []
        for attribute, declared in declarations():
            vars(self)[attribute] = metric = declared.made(self.registry)
            for value in BEGINNINGS.get(attribute, ()):
                metric.labels(value)
        self.process = ProcessCollector(registry=None)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def when_scraped(self, refresh: Callable[[], None]) -> None:
        """Name what sets gauges anew, on the event loop, before each exposition."""
        self._refreshed.append(refresh)

    def refresh(self) -> None:
        """Set anew what is only set for an exposition; what cannot be, stays as it was."""
        for refresh in self._refreshed:
            try:
                refresh()
            except Exception:
                log.exception("metrics cannot be set")

    def render(self) -> bytes:
        """The Prometheus text exposition of everything, at once."""
        self.refresh()
        return generate_latest(self.process) + generate_latest(self.registry)


def declarations() -> Iterator[tuple[str, Declared[Any]]]:
    """Each metric's attribute and declaration, in the order of this file."""
    for attribute, declared in vars(Metrics).items():
        if isinstance(declared, Declared):
            yield attribute, declared
