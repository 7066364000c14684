"""What samples of the durable benchmark come to."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from loadtests.bench.durable.picture import picture
from loadtests.bench.durable.plan import Plan, Work
from loadtests.bench.durable.report import Line, report
from loadtests.bench.durable.rows import ROWS
from loadtests.bench.durable.run import Outcome
from loadtests.bench.durable.samples import Failure, Measure, Sample
from loadtests.bench.durable.tables import tables
from loadtests.bench.durable.works import WORKS
from loadtests.bench.highest import highest_held
from loadtests.bench.plan import ServerName

OURS, NODE = ServerName.OURS, ServerName.NODE
BOTH = Plan(servers=(OURS, NODE))


def samples(
    server: ServerName, measure: Measure, work: Work, values: Sequence[float]
) -> list[Sample]:
    return [
        Sample(round=number, server=server, work=work, measure=measure, value=value)
        for number, value in enumerate(values, 1)
    ]


def outcome(measure: Measure, work: Work, *values: float, reason: str = "") -> Outcome:
    failures = [Failure(round=1, server=OURS, work=work, reason=reason)] if reason else []
    return Outcome(samples(OURS, measure, work, values), failures, {"mongod": "6.0.5"})


def only_line(found: Outcome) -> Line:
    (line,) = report(Plan(), found).lines
    return line


def test_the_median_is_held_against_what_is_wanted() -> None:
    late = only_line(outcome(Measure.DELIVERY_P99, Work.ROOMS_2, 49, 51, 900))
    (ours,) = late.figures
    assert (ours.median, ours.least, ours.most, late.met) == (51, 49, 900, False)
    assert only_line(outcome(Measure.DELIVERY_P99, Work.ROOMS_2, 49, 51, 12)).met is True


@pytest.mark.parametrize(("held", "met"), [(999.0, False), (1_000.0, True)])
def test_a_rate_is_wanted_at_least(held: float, met: bool) -> None:
    assert only_line(outcome(Measure.RATE_HELD, Work.HIGHEST_10, held)).met is met


def test_where_nothing_is_wanted_there_is_no_verdict() -> None:
    assert only_line(outcome(Measure.ACK_P99, Work.ROOMS_2, 12)).met is None


def test_tables_say_what_was_measured_and_what_failed() -> None:
    found = outcome(Measure.DELIVERY_P99, Work.ROOMS_2, 51, 49, 900, reason="no disk")
    text = tables(report(Plan(), found))
    title = "p99 delivery latency, rooms of 2, ms"
    assert f"| {title} | 51.0 (49.0 to 900) | < 50 | **no** |" in text
    assert "mongod 6.0.5" in text
    assert "Round 1, rooms-2: Whatchat failed: no disk" in text


def test_two_servers_are_set_side_by_side() -> None:
    found = Outcome(
        [
            *samples(OURS, Measure.RATE_HELD, Work.HIGHEST_10, [1_400, 2_000, 1_000]),
            *samples(NODE, Measure.RATE_HELD, Work.HIGHEST_10, [700, 90, 2_500]),
        ],
        [],
        {},
    )
    compared = report(BOTH, found)
    text = tables(compared)
    assert "|  | Whatchat | Node stack | ours ÷ Node |" in text
    title = "highest rate accepted, rooms of 10"
    assert f"| {title}, msg/s | 1,400 (1,000 to 2,000) | 700 (90.0 to 2,500) | 2.00 |" in text
    assert "mongoose" in text
    words = {element.text for element in ET.fromstring(picture(compared)).iter() if element.text}
    assert {title, "1,400", "700", "Node stack"} <= words


def test_servers_are_compared_in_what_all_of_them_can_do() -> None:
    assert Plan().common_works == tuple(Work)
    assert set(Work) - set(BOTH.common_works) == {Work.RECEIPTS_10}
    assert WORKS.keys() == set(Work)


def test_titles_of_what_is_compared_fit_into_a_panel() -> None:
    titles = [row.title for row in ROWS if row.work in BOTH.common_works]
    assert max(map(len, titles)) <= 40


@pytest.mark.parametrize("limit", [130.0, 700.0, 1_333.0, 20_000.0])
def test_the_highest_rate_is_found_to_within_a_few_per_cent(limit: float) -> None:
    held = highest_held(500, lambda rate: rate <= limit)
    assert 0.95 * limit <= held <= limit


def test_if_no_rate_is_held_that_is_said() -> None:
    assert highest_held(500, lambda rate: False) == 0
    assert highest_held(500, lambda rate: True) == 32_000
