import random
from itertools import islice, pairwise

import pytest

from loadtests.swarm.people.talk import beats, rising, turns


def test_messages_are_evenly_spread() -> None:
    due = beats(1_000, 2, 50)
    assert (len(due), due[0]) == (100, 1_000)
    assert {after - before for before, after in pairwise(due)} == {20_000}
    assert beats(0, 5, 0.1) == []


def test_at_first_there_are_ever_more_messages() -> None:
    due = rising(1_000, 4, 50)
    assert (len(due), due[0]) == (100, 1_000)
    gaps = [after - before for before, after in pairwise(due)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(20_000, rel=0.01), "as many as in what follows"
    assert due[-1] < 1_000 + 4_000_000
    assert rising(0, 0, 50) == rising(0, 4, 0) == []


def test_every_room_has_its_turn_before_any_has_another() -> None:
    taken = list(islice(turns("abcd", random.Random(1)), 12))
    assert all(sorted(taken[at : at + 4]) == list("abcd") for at in (0, 4, 8))
    assert list(turns("", random.Random(1))) == []
