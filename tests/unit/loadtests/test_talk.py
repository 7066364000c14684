import random
from itertools import islice, pairwise

from loadtests.swarm.people.talk import beats, turns


def test_messages_are_evenly_spread() -> None:
    due = beats(1_000, 2, 50)
    assert (len(due), due[0]) == (100, 1_000)
    assert {after - before for before, after in pairwise(due)} == {20_000}
    assert beats(0, 5, 0.1) == []


def test_every_room_has_its_turn_before_any_has_another() -> None:
    taken = list(islice(turns("abcd", random.Random(1)), 12))
    assert all(sorted(taken[at : at + 4]) == list("abcd") for at in (0, 4, 8))
    assert list(turns("", random.Random(1))) == []
