import random
from itertools import islice, pairwise
from typing import Final, cast

import pytest

from loadtests.swarm.people import talk
from loadtests.swarm.people.ledger import Room, Seat
from loadtests.swarm.people.person import Person
from loadtests.swarm.people.talk import TYPING_SECONDS, Talk, beats, rising, turns
from loadtests.swarm.tally import Tally

SECOND: Final = 1_000_000
BEGIN: Final = 7 * SECOND


class Clock:
    """Who sleeps is at the end of that at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = BEGIN
        monkeypatch.setattr(talk, "_now_us", lambda: self.now)
        monkeypatch.setattr(talk, "_sleep_until", self._sleep_until)

    def _sleep_until(self, at_us: int) -> None:
        self.now = max(self.now, at_us)


class Speaker:
    """Somebody who writes down what there is to say, and when."""

    def __init__(self, clock: Clock, tally: Tally, seats: list[Seat]) -> None:
        self.seats = seats
        self.voice = self
        self.done: list[tuple[str, int]] = []
        self.dues: set[int] = set()
        self._clock = clock
        self._tally = tally

    def say(self, seat: Seat, due_us: int) -> None:
        assert due_us == self._clock.now
        self.dues.add(self._tally.due)
        self._note("says")

    def begin_typing(self, seat: Seat) -> None:
        self._note("begins")

    def end_typing(self, seat: Seat) -> None:
        self._note("ends")

    def when(self, what: str) -> list[int]:
        return [at for done, at in self.done if done == what]

    def _note(self, what: str) -> None:
        self.done.append((what, self._clock.now))


def talked(clock: Clock, *, warm: float, hold: float, rate: float, types: bool) -> Speaker:
    tally = Tally()
    speaker = Speaker(clock, tally, [Seat(Room(b"room", range(1)))])
    people = [cast("Person", speaker)]
    Talk(people, random.Random(1), tally, types=types).go_on_for(warm, hold, rate)
    assert speaker.dues == {len(speaker.when("says"))}, "all count as due before the first is said"
    assert clock.now == BEGIN + (warm + hold) * SECOND
    return speaker


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_people_talk_for_as_long_as_they_should(clock: Clock) -> None:
    said = talked(clock, warm=4, hold=10, rate=20, types=False).when("says")
    assert (len(said), said[0]) == (4 * 20 / 2 + 10 * 20, BEGIN)
    assert [at for at in said if at >= BEGIN + 4 * SECOND] == beats(BEGIN + 4 * SECOND, 10, 20)


def test_who_types_begins_before_and_ends_when_it_is_said(clock: Clock) -> None:
    speaker = talked(clock, warm=4, hold=10, rate=20, types=True)
    said = speaker.when("says")
    lead = int(TYPING_SECONDS * SECOND)
    assert (len(said), said[0]) == ((4 - TYPING_SECONDS) * 20 / 2 + 10 * 20, BEGIN + lead)
    assert speaker.when("begins") == [at - lead for at in said]
    assert speaker.when("ends") == said


def test_who_types_needs_time_before_the_first_word(clock: Clock) -> None:
    said = talked(clock, warm=0, hold=10, rate=20, types=True).when("says")
    assert (len(said), said[0]) == ((10 - TYPING_SECONDS) * 20, BEGIN + TYPING_SECONDS * SECOND)


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
