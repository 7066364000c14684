"""The phases of a run, by a clock that is set by hand."""

import pytest

from loadtests.swarm.run.course import REPORT_SECONDS, Course, Phase


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def course(clock: Clock) -> Course:
    return Course(2, 10, 5, clock)


def test_before_it_begins_there_is_nothing(course: Course) -> None:
    assert (course.phase, course.seconds, course.phases()) == ("ramp", 0, [])
    course.complete()
    assert course.phase == "ramp"


def test_phases_follow_each_other(course: Course, clock: Clock) -> None:
    course.begin()
    met = []
    for seconds in (0, 3, 0, 1.9, 0.1, 9.9, 0.1, 4.9, 0.1, REPORT_SECONDS):
        clock.now += seconds
        if clock.now == 1_003 and "warm" not in met:
            met.append(course.phase)
            course.complete()
        met.append(course.phase)
    assert met == [
        *("ramp", "ramp", "warm", "warm", "warm"),
        *("hold", "hold", "settle", "settle", "over", "over"),
    ]
    assert course.is_reported
    assert course.phases() == [
        Phase("ramp", 1_000, 1_003),
        Phase("warm", 1_003, 1_005),
        Phase("hold", 1_005, 1_015),
        Phase("settle", 1_015, 1_020),
    ]


def test_an_interrupted_one_ends_where_it_is(course: Course, clock: Clock) -> None:
    course.begin()
    clock.now += 2
    assert course.phases() == [Phase("ramp", 1_000, 1_002)]
    course.complete()
    clock.now += 1
    assert (course.phases()[-1], course.held_seconds) == (Phase("warm", 1_002, 1_003), 0)
    clock.now += 3
    assert course.phases()[-1] == Phase("hold", 1_004, 1_006)
    assert (course.held_seconds, course.is_reported) == (2, False)


def test_without_warming_the_hold_begins_at_once(clock: Clock) -> None:
    course = Course(0, 10, 5, clock)
    course.begin()
    course.complete()
    clock.now += 1
    assert (course.phase, course.phases()) == ("hold", [Phase("hold", 1_000, 1_001)])


def test_who_comes_late_changes_nothing(course: Course, clock: Clock) -> None:
    course.begin()
    course.complete()
    clock.now += 14
    course.complete()
    assert (course.phase, course.held_seconds) == ("settle", 10)
