import random

from locust.env import Environment
from locust.stats import StatsEntry

from loadtests.swarm.timings import Timings, rounded


def told(entry: StatsEntry) -> tuple[object, ...]:
    counts = {bucket: count for bucket, count in entry.response_times.items() if count}
    return (
        entry.num_requests,
        round(entry.total_response_time, 3),
        entry.min_response_time,
        entry.max_response_time,
        counts,
        sum(entry.num_reqs_per_sec.values()),
    )


def test_many_at_once_are_what_locust_would_have_counted_one_by_one() -> None:
    drawn = random.Random(3)
    noted = [drawn.randrange(10_000_000) for _ in range(500)]
    ours, theirs = Environment(), Environment()
    timings = Timings(ours)
    for some in (noted[:1], noted[1:200], noted[200:]):
        timings.of("delivery", "message:new").extend(some)
        timings.tell()
    timings.tell()
    for one in noted:
        theirs.stats.log_request("delivery", "message:new", one / 1_000, 0)  # type: ignore[arg-type]
    assert told(ours.stats.total) == told(theirs.stats.total)
    mine = ours.stats.get("message:new", "delivery")
    assert told(mine) == told(theirs.stats.get("message:new", "delivery"))


def test_a_time_beyond_a_bound_is_not_rounded_into_it() -> None:
    assert [rounded(one) for one in (0.4, 99.6, 250.4, 254, 999.7)] == [0, 100, 250, 254, 1_000]
    assert [rounded(one) for one in (1_234, 2_049, 60_060)] == [1_230, 2_050, 60_100]
    environment = Environment()
    environment.stats.log_request("connect", "websocket", 2_049, 0)
    assert environment.stats.get("websocket", "connect").get_response_time_percentile(0.99) == 2_050


def test_failures_are_told_as_locust_expects_them() -> None:
    environment = Environment()
    environment.create_local_runner()
    timings = Timings(environment)
    for _ in range(2):
        timings.failed("connect", "websocket", 1_500, "timed out")
    [error] = environment.stats.errors.values()
    assert (error.method, error.name, error.occurrences) == ("connect", "websocket", 2)
    assert "timed out" in str(error.error)
