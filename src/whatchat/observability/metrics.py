"""Every metric there is; dashboards and alerts use only these names."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """One pod's metrics, in a registry of their own: several pods may share a process.

    User and room ids are never labels.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.commands = Counter(
            "whatchat_commands",
            "Commands by name and outcome: ok, or the error's code.",
            ("command", "outcome"),
            registry=registry,
        )
        self.command_seconds = Histogram(
            "whatchat_command_seconds",
            "How long commands took.",
            ("command",),
            buckets=SECONDS,
            registry=registry,
        )
        self.connected_sockets = Gauge(
            "whatchat_connected_sockets", "Sockets connected now.", registry=registry
        )
        self.connects = Counter("whatchat_connects", "Sockets accepted.", registry=registry)
        self.refusals = Counter(
            "whatchat_refusals",
            "Sockets refused or closed by the server, by reason.",
            ("reason",),
            registry=registry,
        )
        self.publish_failures = Counter(
            "whatchat_broker_publish_failures",
            "Announcements that the broker did not take.",
            registry=registry,
        )
        self.broker_bad_envelopes = Counter(
            "whatchat_broker_bad_envelopes",
            "What arrived from the broker and could not be read.",
            registry=registry,
        )
        self.broker_canary_age_seconds = Gauge(
            "whatchat_broker_canary_age_seconds",
            "Seconds since this pod last heard itself by the broker.",
            registry=registry,
        )
        self.broker_deafness = Counter(
            "whatchat_broker_deafness",
            "Times that the broker took what this pod said and this pod did not hear it.",
            registry=registry,
        )
        self.redis_reconnects = Counter(
            "whatchat_redis_reconnects",
            "Connections to Redis that replaced lost ones: commands, subscriptions.",
            ("link",),
            registry=registry,
        )
        self.limiter_verdicts = Counter(
            "whatchat_limiter_verdicts",
            "What was asked of the limits, by class of commands: allowed, refused.",
            ("class", "verdict"),
            registry=registry,
        )
        self.limiter_fallbacks = Counter(
            "whatchat_limiter_fallbacks",
            "Charges that this pod decided alone, as Redis was away.",
            registry=registry,
        )
        self.tally_fallbacks = Counter(
            "whatchat_tally_fallbacks",
            "Counts that this pod kept alone, as Redis was away.",
            registry=registry,
        )
        self.anomalies = Counter(
            "whatchat_anomalies",
            "Anomalies found by this pod, by rule and by what is done about it.",
            ("rule", "action"),
            registry=registry,
        )
        self.anomaly_sightings_dropped = Counter(
            "whatchat_anomaly_sightings_dropped",
            "Acts that no rule was asked about, as too many waited.",
            registry=registry,
        )
        self.append_conflicts = Counter(
            "whatchat_append_conflicts",
            "Appends that found their rev taken by another writer.",
            registry=registry,
        )
        self.append_batch_size = Histogram(
            "whatchat_append_batch_size",
            "Entries per append.",
            buckets=BATCH_SIZES,
            registry=registry,
        )
        self.work_fed = Counter(
            "whatchat_work_fed",
            "Entries of the log that this worker fed to the work queue.",
            registry=registry,
        )
        self.work_feed_lag_seconds = Gauge(
            "whatchat_work_feed_lag_seconds",
            "How old the entry is that this worker feeds next; 0 if there is none.",
            registry=registry,
        )
        self.work_done = Counter(
            "whatchat_work_done", "Jobs finished, by group.", ("group",), registry=registry
        )
        self.work_put_aside = Counter(
            "whatchat_work_put_aside",
            "Jobs given up on after too many attempts, by group.",
            ("group",),
            registry=registry,
        )
        self.presence_told = Counter(
            "whatchat_presence_told",
            "Comings and goings that this pod told people of.",
            registry=registry,
        )
        self.presence_put_off = Counter(
            "whatchat_presence_put_off",
            "Times that this pod left telling of them for later, or to others, under load.",
            registry=registry,
        )
        self.presence_dropped = Counter(
            "whatchat_presence_dropped",
            "Comings and goings that those who watch were not told of.",
            registry=registry,
        )
        self.audit_records = Counter(
            "whatchat_audit_records",
            "Records that this node made for the audit log, by kind.",
            ("kind",),
            registry=registry,
        )
        self.audit_dropped = Counter(
            "whatchat_audit_dropped",
            "Acts that this node could not record, as too many records waited for the store.",
            registry=registry,
        )
        self.issuer_failures = Counter(
            "whatchat_issuer_failures",
            "Times that the keys of the external issuer could not be read.",
            registry=registry,
        )
        self.loop_lag_seconds = Histogram(
            "whatchat_event_loop_lag_seconds",
            "How late the event loop ran a timer.",
            buckets=SECONDS,
            registry=registry,
        )
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def render(self) -> bytes:
        """The Prometheus text exposition of everything."""
        return generate_latest(self.registry)
