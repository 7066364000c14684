import random

from loadtests.swarm.people.runs import Runs


def runs(*numbers: int) -> Runs:
    made = Runs()
    for number in numbers:
        made.add(number)
    return made


def test_numbers_in_any_order_are_those_of_a_set() -> None:
    drawn = random.Random(7)
    for _ in range(200):
        made, expected = Runs(), set[int]()
        for number in drawn.choices(range(30), k=drawn.randrange(60)):
            assert made.add(number) == (number not in expected)
            expected.add(number)
        assert len(made) == len(expected)
        assert {number for number in range(-1, 31) if number in made} == expected


def test_what_is_in_one_and_not_in_another_is_counted() -> None:
    drawn = random.Random(8)
    for _ in range(200):
        mine = set(drawn.choices(range(30), k=drawn.randrange(40)))
        theirs = set(drawn.choices(range(30), k=drawn.randrange(40)))
        assert runs(*mine).without(runs(*theirs)) == len(mine - theirs)


def test_all_but_the_latest_runs_become_one() -> None:
    made = runs(*range(1, 20, 2))
    made.merge(but=2)
    assert made.runs() == [(1, 16), (17, 18), (19, 20)]
    made.merge(but=2)
    assert made.runs() == [(1, 16), (17, 18), (19, 20)]
    for few in (runs(), runs(4), runs(4, 6)):
        before = few.runs()
        few.merge(but=2)
        assert few.runs() == before


def test_numbers_that_follow_each_other_take_no_more_memory() -> None:
    assert runs(*range(5), *range(6, 1_000)).runs() == [(0, 5), (6, 1_000)]
    assert Runs(3).runs() == [(0, 4)]
    assert Runs().runs() == []
