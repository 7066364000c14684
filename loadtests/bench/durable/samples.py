"""What is measured."""

from enum import StrEnum

from msgspec import Struct

from loadtests.bench.durable.plan import Work
from loadtests.bench.plan import ServerName


class Measure(StrEnum):
    """A quantity, with its unit in its name."""

    CONNECTS_PER_SECOND = "connects_per_second"
    CPU_PER_CONNECT = "pod_cpu_us_per_connect"
    MEMORY_PER_CONNECTION = "rss_kb_per_connection"
    STAYED = "stayed_percent"
    ACCEPTED = "accepted_percent"
    DELIVERED = "delivered_percent"
    RATE_HELD = "messages_per_second_held"
    CPU_PER_MESSAGE = "pod_cpu_us_per_message"
    MONGO_CPU_PER_MESSAGE = "mongod_cpu_us_per_message"
    REDIS_CPU_PER_MESSAGE = "redis_cpu_us_per_message"
    CPU_WITHOUT_RECEIPTS = "pod_cpu_us_per_message_without_receipts"
    RECEIPTS_FACTOR = "cpu_with_receipts_to_without"
    RECEIPTS_TAKEN = "receipts_taken_percent"
    RECEIPTS_TOLD = "receipts_told_per_message"
    ACK_MEAN = "ack_mean_ms"
    ACK_P99 = "ack_p99_ms"
    DELIVERY_MEAN = "delivery_mean_ms"
    DELIVERY_P99 = "delivery_p99_ms"
    POD_SHARE = "pod_core_percent"
    MONGO_SHARE = "mongod_core_percent"
    REDIS_SHARE = "redis_core_percent"
    LOAD_SHARE = "load_core_percent"
    OTHERS_SHARE = "others_percent"
    SECOND_POD_SHARE = "second_pod_core_percent"
    IDLE_POD_SHARE = "idle_pod_core_percent"
    IDLE_POD_SHARE_BEFORE = "idle_pod_core_percent_before"


class Sample(Struct, frozen=True, kw_only=True):
    """One value of one round."""

    round: int
    server: ServerName
    work: Work
    measure: Measure
    value: float


class Failure(Struct, frozen=True, kw_only=True):
    """A work that a server could not do at all in a round, and why."""

    round: int
    server: ServerName
    work: Work
    reason: str
