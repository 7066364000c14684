"""How cost grows, with tiny numbers: that it is measured, not what it is."""

import pytest

from loadtests.bench.growth.plan import Work
from loadtests.bench.growth.report import Report, read
from loadtests.bench.growth.samples import Measure, Series
from tests.e2e.bench_smoke import printed

TINY = (
    *("--rounds", "1", "--seconds", "0.1", "--rest", "0.1", "--scale", "0.01"),
    *("--pods", "2", "--room-sizes", "300", "--shared"),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    out = tmp_path_factory.mktemp("growth")
    printed("growth", *TINY, "--out", str(out), seconds=100)
    return read(out / "growth.json")


def over(
    report: Report, work: Work, series: Series, measure: Measure, *, backlog: int = 0
) -> dict[int, list[float]]:
    """What was found at each place of a curve."""
    found: dict[int, list[float]] = {}
    for point in report.of(work, series):
        if point.backlog == backlog:
            found.setdefault(point.x, []).append(point.found[measure])
    return found


def test_every_curve_has_its_points(report: Report) -> None:
    places = {work: sorted({one.x for one in report.points if one.work is work}) for work in Work}
    rates = places.pop(Work.RATE)  # which end where a crowded machine is saturated
    assert rates == [2, 5, 10, 15, 20, 25, 30, 40][: len(rates)]
    assert rates
    assert places == {
        Work.CONNECTIONS: [0, 10, 20, 50, 100],
        Work.PODS: [2],
        Work.FANOUT: [3, 10],
        Work.SYNC: [1, 10],
    }
    assert report.failures == []


def test_everything_is_accepted_and_delivered(report: Report) -> None:
    said = [
        one
        for one in report.points
        if one.series in {Series.TALK, Series.READ} and one.work is not Work.RATE
    ]
    assert said
    for point in said:
        assert point.found[Measure.ACCEPTED] == point.found[Measure.DELIVERED] == 100, point


def test_the_load_is_what_the_curve_says(report: Report) -> None:
    rest = over(report, Work.CONNECTIONS, Series.REST, Measure.CONNECTIONS)
    assert rest == {x: [x] for x in (0, 10, 20, 50, 100)}
    (talk,) = report.of(Work.PODS, Series.TALK)
    assert talk.found[Measure.PODS] == 2
    assert talk.found[Measure.HEARINGS] == talk.found[Measure.MESSAGES] > 0
    assert talk.found[Measure.DELIVERIES] == pytest.approx(3 * talk.found[Measure.MESSAGES])
    (read_by_all,) = report.of(Work.FANOUT, Series.READ)
    assert read_by_all.found[Measure.RECEIPTS] == pytest.approx(
        18 * read_by_all.found[Measure.MESSAGES]
    )


def test_memory_and_traffic_are_those_of_real_parts(report: Report) -> None:
    for point in report.points:
        if point.series is Series.SYNC:
            continue
        assert point.found[Measure.POD_BYTES] > 2e7 * point.found[Measure.PODS]
        assert point.found[Measure.REDIS_BYTES] > 1e5
        if point.series is not Series.REST:
            sent = point.found[Measure.CLIENT_TRAFFIC] / point.found[Measure.DELIVERIES]
            assert 150 < sent < 5_000, point


def test_the_last_recipient_is_no_earlier_than_the_median(report: Report) -> None:
    point = report.of(Work.FANOUT, Series.TALK)[0]
    assert point.found[Measure.DELIVERY_P50] <= point.found[Measure.LAST_MOST] < 5_000


@pytest.mark.parametrize("backlog", [0, 10, 100])
def test_a_sync_brings_all_that_was_missed(report: Report, backlog: int) -> None:
    messages = over(report, Work.SYNC, Series.SYNC, Measure.SYNC_MESSAGES, backlog=backlog)
    assert messages == {1: [backlog], 10: [10 * backlog]}
    sizes = over(report, Work.SYNC, Series.SYNC, Measure.SYNC_BYTES, backlog=backlog)
    assert all(one > 100 * messages[x][0] for x, (one,) in sizes.items())
