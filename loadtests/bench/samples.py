"""What is measured."""

from enum import StrEnum

from msgspec import Struct

from loadtests.bench.plan import ServerName, Work


class Measure(StrEnum):
    """A quantity, with its unit in its name."""

    CONNECTS_PER_SECOND = "connects_per_second"
    CPU_PER_CONNECT = "cpu_us_per_connect"
    MEMORY_PER_CONNECTION = "rss_kb_per_connection"
    CPU_PER_DELIVERY = "cpu_us_per_delivery"
    P50 = "p50_ms"
    P99 = "p99_ms"
    CALM_P99 = "p99_ms_before"
    DELIVERED = "delivered_percent"
    RATE_HELD = "messages_per_second_held"
    SERVER_SHARE = "server_core_percent"
    LOAD_SHARE = "load_core_percent"
    REDIS_SHARE = "redis_core_percent"
    OTHERS_SHARE = "others_percent"


class Sample(Struct, frozen=True, kw_only=True):
    """One value of one round."""

    round: int
    server: ServerName
    work: Work
    measure: Measure
    value: float


class Failure(Struct, frozen=True, kw_only=True):
    """A server that could not do a work at all in a round, and what it said."""

    round: int
    server: ServerName
    work: Work
    reason: str
