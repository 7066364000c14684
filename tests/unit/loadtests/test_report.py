"""What samples come to, in numbers, words and bars."""

import pytest

from loadtests.bench.load import Heard
from loadtests.bench.picture import picture
from loadtests.bench.plan import Plan, ServerName, Work
from loadtests.bench.report import Line, Report, report
from loadtests.bench.run import Outcome
from loadtests.bench.samples import Failure, Measure, Sample
from loadtests.bench.tables import number, tables

OURS, STOCK, NODE = ServerName.OURS, ServerName.STOCK, ServerName.NODE


def samples(server: ServerName, *values: float) -> list[Sample]:
    return [
        Sample(
            round=number,
            server=server,
            work=Work.ROOMS_10,
            measure=Measure.CPU_PER_DELIVERY,
            value=value,
        )
        for number, value in enumerate(values, 1)
    ]


def reported(*found: Sample, failures: tuple[Failure, ...] = ()) -> Report:
    return report(Plan(works=(Work.ROOMS_10,)), Outcome(found, failures))


def cpu_per_delivery(found: Report) -> Line:
    return next(line for line in found.lines if line.title == "CPU per delivery, rooms of 10")


def test_medians_are_compared() -> None:
    found = reported(*samples(OURS, 9, 60, 12), *samples(NODE, 20, 24, 1))
    line = cpu_per_delivery(found)
    ours = line.of(OURS)
    assert ours is not None
    assert (ours.median, ours.least, ours.most) == (12, 9, 60)
    assert line.ratio == pytest.approx(12 / 20)
    assert line.met is True
    assert "| 12.0 (9.00 to 60.0) |" in tables(found)
    assert "| 0.60 | 0.65 | yes |" in tables(found)


def test_what_is_not_met_is_said() -> None:
    found = reported(*samples(OURS, 14), *samples(NODE, 20))
    assert cpu_per_delivery(found).met is False
    assert "| 0.70 | 0.65 | **no** |" in tables(found)


@pytest.mark.parametrize("node", [[], [0.0]])
def test_without_a_figure_to_compare_with_there_is_no_verdict(node: list[float]) -> None:
    line = cpu_per_delivery(reported(*samples(OURS, 14), *samples(NODE, *node)))
    assert (line.ratio, line.met) == (None, None)


@pytest.mark.parametrize("redis", [False, True])
def test_a_run_on_redis_says_so(redis: bool) -> None:
    plan = Plan(works=(Work.ROOMS_10,), redis=redis)
    found = report(plan, Outcome(samples(OURS, 14), ()))
    assert ("Redis, rooms-10" in [line.title for line in found.cores]) is redis
    assert ("redis-server" in found.machine.packages) is redis
    assert ("@socket.io/redis-adapter" in found.machine.packages) is redis
    assert ("with its Redis adapter" in tables(found)) is redis
    assert ("on Redis" in picture(found)) is redis


def test_failures_are_told() -> None:
    failure = Failure(round=2, server=STOCK, work=Work.ROOMS_10, reason="let nobody in")
    found = reported(*samples(OURS, 14), failures=(failure,))
    assert "Round 2, rooms-10: python-socketio failed: let nobody in" in tables(found)


def test_a_bar_far_longer_than_the_next_is_cut() -> None:
    far = reported(*samples(OURS, 5), *samples(NODE, 7), *samples(STOCK, 880))
    near = reported(*samples(OURS, 5), *samples(NODE, 7), *samples(STOCK, 20))
    assert (picture(far).count("<path"), picture(near).count("<path")) == (2, 0)
    assert ">880</text>" in picture(far)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.284, "0.28"),
        (9.996, "10.0"),
        (35.31, "35.3"),
        (99.97, "100"),
        (733.4, "733"),
        (4211.7, "4,212"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_percentiles_are_of_what_arrived() -> None:
    heard = Heard(planned=10, sent=10, acked=10, expected=101, latencies=range(0, 101_000, 1000))
    assert (heard.percentile_ms(50), heard.percentile_ms(99)) == (50, 99)
    assert heard.complete
    assert not heard._replace(expected=102).complete
    assert heard._replace(latencies=[]).percentile_ms(99) == float("inf")
