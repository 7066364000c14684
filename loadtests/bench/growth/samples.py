"""What is measured."""

from enum import StrEnum

from msgspec import Struct

from loadtests.bench.growth.plan import Work


class Measure(StrEnum):
    """A quantity, with its unit in its name; cores are seconds of processor time per second."""

    PODS = "pods"
    CONNECTIONS = "connections"
    MESSAGES = "messages_per_second"
    DELIVERIES = "deliveries_per_second"
    HEARINGS = "hearings_per_second"
    RECEIPTS = "receipts_per_second"
    POD_CORES = "pod_cores"
    MONGO_CORES = "mongod_cores"
    REDIS_CORES = "redis_cores"
    LOAD_CORES = "load_cores"
    OTHERS_CORES = "others_cores"
    POD_BYTES = "pod_resident_bytes"
    REDIS_BYTES = "redis_used_bytes"
    CLIENT_TRAFFIC = "clients_bytes_per_second"
    MONGO_TRAFFIC = "mongod_bytes_per_second"
    REDIS_TRAFFIC = "redis_bytes_per_second"
    ACCEPTED = "accepted_percent"
    DELIVERED = "delivered_percent"
    ACK_P50 = "ack_p50_ms"
    ACK_MEAN = "ack_mean_ms"
    ACK_P99 = "ack_p99_ms"
    DELIVERY_P50 = "delivery_p50_ms"
    DELIVERY_MEAN = "delivery_mean_ms"
    DELIVERY_P99 = "delivery_p99_ms"
    LAST_P50 = "last_recipient_p50_ms"
    LAST_MOST = "last_recipient_most_ms"
    CONNECT_CPU = "cpu_us_per_connect"
    START_BYTES = "pod_resident_bytes_at_start"
    SYNC_MS = "sync_ms"
    SYNC_POD_CPU = "sync_pod_cpu_ms"
    SYNC_MONGO_CPU = "sync_mongod_cpu_ms"
    SYNC_ANSWERS = "sync_answers"
    SYNC_BYTES = "sync_bytes"
    SYNC_MESSAGES = "sync_messages"


class Series(StrEnum):
    """What was going on: nothing but heartbeats, messages, messages with receipts, or a sync."""

    REST = "rest"
    TALK = "talk"
    READ = "read"
    SYNC = "sync"


class Point(Struct, frozen=True, kw_only=True):
    """What was found at one place ``x`` of a curve, in one round; ``backlog`` is that of a sync.

    What is ``found`` of pods is that of all of them together.
    """

    round: int
    work: Work
    series: Series
    x: int
    backlog: int = 0
    found: dict[Measure, float]

    @property
    def complete(self) -> bool:
        """Whether all that was to be accepted and delivered was."""
        fates = (self.found.get(Measure.ACCEPTED), self.found.get(Measure.DELIVERED))
        return all(fate in {None, 100.0} for fate in fates)


class Failure(Struct, frozen=True, kw_only=True):
    """A curve that could not be measured to its end in a round, and why."""

    round: int
    work: Work
    reason: str
