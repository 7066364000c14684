"""Times that are noted by the thousand and told to Locust once a second.

Locust's own way, an event for each request, takes 10 µs of the process that plays the people; an
``append`` takes next to nothing. Failures are rare and go through Locust's event like any other.

Locust keeps how many took how long, and rounds that to two digits: 254 ms would be 250, and within
a bound of 250. Here, and in every process that plays or judges, it is rounded to three.
"""

import time
from typing import Any, Final

from locust import stats as locust_stats
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

DELIVERY: Final = "delivery"
WARMING: Final = "warming"
"""As Locust's types name what was due during the hold, and what was before."""

_US: Final = 1_000


class Timings:
    """One run's, by type and name; in microseconds until they are told."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._noted: dict[tuple[str, str], list[int]] = {}

    def of(self, kind: str, name: str) -> list[int]:
        """The list to which to append."""
        return self._noted.setdefault((kind, name), [])

    def failed(self, kind: str, name: str, after_us: int, reason: str) -> None:
        """Tell of a failure at once; equal reasons are shown as one."""
        self._environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=after_us / _US,
            response_length=0,
            exception=Failed(reason),
            context={},
        )

    def tell(self) -> None:
        """Have Locust know all that was noted since."""
        for (kind, name), noted in self._noted.items():
            if noted:
                _log(self._environment.stats, kind, name, [at / _US for at in noted])
                noted.clear()


class Deliveries:
    """How long each message took, from when it was due; in microseconds of any one clock."""

    __slots__ = ("_kept", "_warming", "begin_us")

    def __init__(self, timings: Timings, name: str) -> None:
        self.begin_us = 0
        self._kept = timings.of(DELIVERY, name)
        self._warming = timings.of(WARMING, name)

    def note(self, due_us: int, now_us: int) -> None:
        """One more; by itself if it was due before ``begin_us``."""
        (self._kept if due_us >= self.begin_us else self._warming).append(now_us - due_us)


class Failed(Exception):
    """What is shown in Locust's list of failures."""


def rounded(milliseconds: float) -> int:
    """To whole milliseconds, and from a second on to three digits."""
    step = 1
    while milliseconds >= 1_000 * step:
        step *= 10
    return round(milliseconds / step) * step


def _log(stats: RequestStats, kind: str, name: str, times: list[float]) -> None:
    counts: dict[int, int] = {}
    for one in times:
        bucket = rounded(one)
        counts[bucket] = counts.get(bucket, 0) + 1
    for entry in (stats.total, stats.get(name, kind)):
        _add(entry, times, counts)


def _add(entry: StatsEntry, times: list[float], counts: dict[int, int]) -> None:
    told: Any = entry  # its annotations say int, and Locust's own clients give it floats
    told.log(times[0], 0)  # which also keeps what its pictures need of each second
    told.response_times[rounded(times[0])] -= 1
    told.num_requests += len(times) - 1
    told.num_reqs_per_sec[int(time.time())] += len(times) - 1
    told.total_response_time += sum(times) - times[0]
    told.min_response_time = min(told.min_response_time, *times)
    told.max_response_time = max(told.max_response_time, *times)
    for bucket, count in counts.items():
        told.response_times[bucket] += count


setattr(locust_stats, "bucket_response_time", rounded)  # noqa: B010  # as its manual has it
