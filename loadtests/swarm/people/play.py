"""A process' part of a run, from the first who comes to the verdict."""

import random
import secrets
from collections import Counter
from time import monotonic
from typing import Final

import gevent
from locust.env import Environment

from loadtests.bench.frames import EPOCH_US
from loadtests.swarm.cast import Cast
from loadtests.swarm.network.address import Address
from loadtests.swarm.options import Options
from loadtests.swarm.people.company import Company
from loadtests.swarm.people.crashes import guarded
from loadtests.swarm.people.ledger import Room, Seat
from loadtests.swarm.people.person import STORM, Person
from loadtests.swarm.people.talk import Talk
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.tally import tallies
from loadtests.swarm.timings import Deliveries, Timings
from loadtests.swarm.tokens import Tokens

RUN_BYTES: Final = 4

WAITS: Final = 0.25
"""For such a part of warm, at most, people who are not signed in yet are waited for."""

WAITS_SECONDS: Final = 1.0
"""And for so long where there is no warm."""

_CHORES_SECONDS: Final = 0.25
_LOOK_SECONDS: Final = 0.5


class Play:
    """Has everybody enter, and, once Locust says so, talk, fall silent, and be judged.

    Who has not come by then is expected to talk all the same: Locust does not wait for all.

    The phases: *ramp*, while Locust spawns; *warm*, in which people begin to talk; *hold*, with the
    storm in its middle where there is one; *settle*, in which what is under way arrives and who
    still lacks something asks for it with a last ``sync``; *verdict*.
    """

    def __init__(self, environment: Environment, scenario: Scenario, options: Options) -> None:
        self._scenario = scenario
        self._options = options
        cast = Cast(options.people, shards=options.shards, layout=scenario.layout)
        self._company = Company(
            cast=cast,
            address=Address(options.host),
            tokens=Tokens(options.jwt_secret),
            tally=tallies(environment).own,
            timings=(timings := Timings(environment)),
            deliveries=Deliveries(timings, "message:new"),
            run=secrets.token_hex(RUN_BYTES),
            is_lively=scenario.lively,
            is_polling=scenario.polling,
        )
        self._drawn = random.Random()
        self._rooms = [Room(r.room_id.encode(), r.members) for r in cast.rooms(options.shard)]
        seats = _seats(self._rooms)
        numbers = cast.shard(options.shard)
        self._people = [Person(self._company, one, seats.get(one, [])) for one in numbers]
        self._coming = iter(self._people)
        self._is_ramped = self._is_silent = False
        gevent.spawn(self._keep_house)

    def enter(self) -> Person | None:
        """The next person of this process' shard; ``None`` if all are there already."""
        return next(self._coming, None)

    def perform(self) -> None:
        """Everything that follows the ramp, once; returns after the verdict.

        Each lasts as long as it should for whoever has a clock of their own: the wait for those who
        are not signed in yet is a part of warm, or of the hold where there is none. Locust says
        again that all are there when it has replaced the users of a worker that it lost; nobody
        talks twice for that.
        """
        if self._is_ramped:
            return
        self._is_ramped = True
        warm, hold = self._options.warm_seconds, self._options.hold_seconds
        warmed = monotonic() + warm
        self._company.deliveries.begin_us = EPOCH_US + int(warmed * 1_000_000)
        self._company.later(warm, self._begin_hold)
        if self._scenario.disturbance == "storm":
            self._company.later(warm + hold / 2, self._storm)
        self._await_most()
        begin = monotonic()
        full = max(begin, warmed)
        self._talk(full - begin, warmed + hold - full)
        self._settle()
        self.judge()

    def judge(self) -> None:
        """Count what is lost and what is there twice; once."""
        tally = self._company.tally
        if tally.judged:
            return
        self._note_in_time()
        here = [person for person in self._people if person.is_here]
        unsaid = [message for person in self._people for message in person.unsaid()]
        unresolved = Counter(one.seat.room.name for one in unsaid if one.again)
        tally.judged = len(here)
        tally.absent = len(self._people) - len(here)
        tally.lost = sum(person.missing for person in here)
        tally.unresolved = unresolved.total()
        tally.unsent = len(unsaid) - tally.unresolved
        tally.duplicated += sum(room.copies(unresolved[room.name]) for room in self._rooms)
        self._company.timings.tell()

    def _await_most(self) -> None:
        """Who is not among so many who are signed in is late, and keeps nobody from talking."""
        least = self._scenario.gates.connect_success * len(self._people)
        most = self._options.warm_seconds * WAITS or min(WAITS_SECONDS, self._options.hold_seconds)
        with gevent.Timeout(most, exception=False):
            while sum(person.is_here for person in self._people) < least:
                gevent.sleep(_LOOK_SECONDS)

    def _begin_hold(self) -> None:
        self._company.tally.warming = self._company.tally.accepted

    def _talk(self, warm: float, hold: float) -> None:
        """Say this process' share of the messages, by how many people it plays."""
        share = len(self._people) / self._options.people
        tally = self._company.tally
        talk = Talk(self._people, self._drawn, tally, types=self._scenario.lively)
        talk.go_on_for(warm, hold, self._options.message_rate * share)
        self._note_in_time()
        self._is_silent = True

    def _note_in_time(self) -> None:
        """What is accepted when the talk is over is not accepted in time."""
        if not self._is_silent:
            self._company.tally.in_time = self._company.tally.accepted

    def _storm(self) -> None:
        for person in self._people:
            if person.is_here:
                person.drop(STORM)

    def _settle(self) -> None:
        patience = self._options.settle_seconds / 2
        self._wait_for_silence(patience)
        for person in self._people:
            if person.is_here and person.missing:
                person.catch_up()
        self._wait_for_silence(patience)

    def _wait_for_silence(self, seconds: float) -> None:
        with gevent.Timeout(seconds, exception=False):
            while self._company.receipts or any(map(_is_unsettled, self._people)):
                gevent.sleep(_LOOK_SECONDS)

    def _keep_house(self) -> None:
        do_chores = guarded(self._company.tally, self._do_chores)
        while True:
            gevent.sleep(_CHORES_SECONDS)
            do_chores()

    def _do_chores(self) -> None:
        self._company.deadlines.enforce(self._company.timings)
        self._company.receipts.run()
        self._company.timings.tell()
        self._note_in_time()


def _is_unsettled(person: Person) -> bool:
    return bool(person.is_busy or person.missing)


def _seats(rooms: list[Room]) -> dict[int, list[Seat]]:
    """Everybody's, by number."""
    seats: dict[int, list[Seat]] = {}
    for room in rooms:
        for number in room.members:
            seats.setdefault(number, []).append(Seat(room))
    return seats
