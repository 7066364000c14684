"""Who says something when: fixed beforehand, whatever the servers do."""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from math import sqrt
from time import monotonic_ns
from typing import Final, NamedTuple, TypeVar

import gevent

from loadtests.swarm.people.ledger import Room, Seat
from loadtests.swarm.people.person import Person
from loadtests.swarm.tally import Tally

T = TypeVar("T")

TYPING_SECONDS: Final = 2.0
_US: Final = 1_000_000


def beats(begin_us: int, seconds: float, rate: float) -> Sequence[int]:
    """When messages are due: ``rate`` a second, evenly spread over ``seconds``."""
    return [begin_us + int(number * _US / rate) for number in range(int(seconds * rate))]


def rising(begin_us: int, seconds: float, rate: float) -> Sequence[int]:
    """When messages are due while they become ever more, from none to ``rate`` a second."""
    count = int(seconds * rate / 2)
    return [begin_us + int(sqrt(2 * number * seconds / rate) * _US) for number in range(count)]


def turns(rooms: Sequence[T], drawn: random.Random) -> Iterator[T]:
    """Each once in random order, then each again, without end."""
    while rooms:
        yield from drawn.sample(rooms, len(rooms))


class _Saying(NamedTuple):
    due_us: int
    person: Person
    seat: Seat


class Talk:
    """Has somebody speak in each room in turn, each message when it is due.

    A large room is so as lively as a small one: in Zipf's rooms a message has eight hearers on
    average, and whoever is in more rooms speaks more. Nothing waits for an answer, and what could
    only be said late counts from when it was due: slow servers do not make the load lighter. Who
    ``types`` begins somewhat before that.
    """

    def __init__(
        self, people: Sequence[Person], drawn: random.Random, tally: Tally, *, types: bool
    ) -> None:
        self._turns = turns(_members(people), drawn)
        self._tally = tally
        self._drawn = drawn
        self._types = types
        self._coming: deque[_Saying] = deque()

    def go_on_for(self, warm: float, hold: float, rate: float) -> None:
        """Say ``rate`` messages a second for ``hold`` seconds, and return when that is over.

        Until then they become ever more for ``warm`` seconds. All of them count as due before the
        first is said: what keeps this from going on shows.
        """
        lead = int(TYPING_SECONDS * _US) if self._types else 0
        begin = _now_us()
        first, end = begin + lead, begin + int((warm + hold) * _US)
        full = max(first, begin + int(warm * _US))
        coming = [
            *rising(first, (full - first) / _US, rate),
            *beats(full, max(0.0, (end - full) / _US), rate),
        ]
        self._tally.due += len(coming)
        for due in coming:
            self._speak_until(due - lead)
            self._begin(due)
        self._speak_until(end)

    def _begin(self, due_us: int) -> None:
        members = next(self._turns, None)
        if members is not None:
            person, seat = self._drawn.choice(members)
            self._coming.append(_Saying(due_us, person, seat))
            if self._types:
                person.voice.begin_typing(seat)

    def _speak_until(self, at_us: int) -> None:
        """Say what is due until then, and return at that time."""
        while self._coming and self._coming[0].due_us <= at_us:
            due_us, person, seat = self._coming.popleft()
            _sleep_until(due_us)
            person.voice.say(seat, due_us)
            if self._types:
                person.voice.end_typing(seat)
        _sleep_until(at_us)


def _members(people: Sequence[Person]) -> list[list[tuple[Person, Seat]]]:
    """Those of each room."""
    rooms: dict[Room, list[tuple[Person, Seat]]] = {}
    for person in people:
        for seat in person.seats:
            rooms.setdefault(seat.room, []).append((person, seat))
    return list(rooms.values())


def _sleep_until(at_us: int) -> None:
    seconds = (at_us - _now_us()) / _US
    if seconds > 0:
        gevent.sleep(seconds)


def _now_us() -> int:
    return monotonic_ns() // 1_000
