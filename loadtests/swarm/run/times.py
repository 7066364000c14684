"""How long one kind of thing took in a run."""

from collections.abc import Iterable

from locust.stats import RequestStats, StatsEntry
from msgspec import Struct


class Times(Struct, frozen=True, kw_only=True, rename="camel"):
    """Milliseconds of ``count`` attempts, of which ``failed`` did not succeed.

    Mean and most are exact; percentiles are of whole milliseconds, and have three digits from a
    second on.
    """

    count: int = 0
    failed: int = 0
    mean_ms: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


def times_of(stats: RequestStats, request_type: str) -> Times:
    """Of all that Locust counted as of that type, under whatever names."""
    kept = (entry for (_, kind), entry in stats.entries.items() if kind == request_type)
    return _times(merged(stats, kept))


def merged(stats: RequestStats, entries: Iterable[StatsEntry]) -> StatsEntry:
    """All of them as one."""
    whole = StatsEntry(stats, "", "")
    for entry in entries:
        whole.extend(entry)
    return whole


def _times(entry: StatsEntry) -> Times:
    return Times(
        count=entry.num_requests,
        failed=entry.num_failures,
        mean_ms=round(entry.avg_response_time, 3),
        p50_ms=entry.get_response_time_percentile(0.5),
        p95_ms=entry.get_response_time_percentile(0.95),
        p99_ms=entry.get_response_time_percentile(0.99),
        max_ms=round(entry.max_response_time, 3),
    )
