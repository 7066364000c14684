"""Somebody of a load test, whose connections come and go as the tests say."""

from typing import NamedTuple

import gevent
import msgspec
import pytest
from locust.env import Environment

from loadtests.swarm.cast import Cast, Layout
from loadtests.swarm.network.address import Address
from loadtests.swarm.network.session import Asked, Replied, Reply
from loadtests.swarm.people import ears
from loadtests.swarm.people import person as persons
from loadtests.swarm.people.company import Company
from loadtests.swarm.people.ledger import Room, Seat
from loadtests.swarm.people.person import STORM, Person
from loadtests.swarm.tally import Tally
from loadtests.swarm.timings import Deliveries, Timings
from loadtests.swarm.tokens import Tokens

ROOM = "room-of-two"
AGAIN_SECONDS = 0.01


class Connection:
    """What a person asks is written down, and answered by the test."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.unanswered: dict[int, Asked] = {}

    def ask(self, event: str, body: bytes, replied: Replied, about: object = None) -> int:
        self.asked.append((event, msgspec.json.decode(body)))
        self.unanswered[len(self.asked)] = Asked(event, 0, replied, about)
        return len(self.asked)

    def drop(self, reason: str) -> None:
        """The test says what follows."""


class Somebody(NamedTuple):
    person: Person
    environment: Environment
    tally: Tally

    def comes(self, epoch: str = "one") -> Connection:
        connection = Connection()
        setattr(self.person, "_session", connection)  # noqa: B010  # it has nothing of a network
        ready = {"epoch": epoch, "rooms": [{"roomId": ROOM, "rev": 7}]}
        self.person.told("session:ready", msgspec.json.encode(ready))
        return connection

    def is_moved(self) -> None:
        self.person.told("session:moving", b'{"reconnectAfterMs":0}')

    def is_answered(self, connection: Connection, body: object) -> None:
        asked = connection.unanswered.pop(len(connection.asked))
        is_ok = not isinstance(body, str)
        told = {"ok": True, "data": body} if is_ok else {"ok": False, "error": {"code": body}}
        data = msgspec.json.encode([told])
        self.person.answered(asked, Reply(is_ok, data, 0, len(data)), 1)


NOTHING_NEW = {"rooms": [], "removed": [], "more": False}


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> Somebody:
    monkeypatch.setattr(ears, "AGAIN_SECONDS", AGAIN_SECONDS)
    environment, tally = Environment(), Tally()
    timings = Timings(environment)
    environment.create_local_runner()
    company = Company(
        cast=Cast(2, shards=1, layout=Layout.PAIRS),
        address=Address("http://127.0.0.1:1"),
        tokens=Tokens("s" * 32),
        tally=tally,
        timings=timings,
        deliveries=Deliveries(timings, "message:new"),
        run="0a1b2c3d",
        is_lively=False,
        is_polling=False,
    )
    return Somebody(Person(company, 0, [Seat(Room(ROOM.encode(), range(2)))]), environment, tally)


def test_who_comes_back_is_here_when_nothing_is_missing(somebody: Somebody) -> None:
    somebody.comes()
    assert (somebody.person.is_here, somebody.tally.connected) == (True, 1)
    somebody.person.lost("gone", 1006, [])
    assert (somebody.person.is_here, somebody.tally.connected) == (False, 0)
    again = somebody.comes()
    assert again.asked == [("sync", {"cursors": {ROOM: 7}, "only": True})]
    assert not somebody.person.is_here
    somebody.is_answered(again, NOTHING_NEW)
    assert (somebody.person.is_here, somebody.tally.connected) == (True, 1)


def test_who_asks_twice_whether_anything_is_missing_is_here_once(somebody: Somebody) -> None:
    somebody.comes()
    somebody.person.lost("gone", 1006, [])
    refused = somebody.comes()
    somebody.is_answered(refused, "unavailable")
    somebody.person.lost("gone", 1006, [])
    again = somebody.comes()
    gevent.sleep(5 * AGAIN_SECONDS)
    assert [event for event, _ in again.asked] == ["sync", "sync"]
    somebody.is_answered(again, NOTHING_NEW)
    again.asked.pop()
    somebody.is_answered(again, NOTHING_NEW)
    assert somebody.tally.connected == 1


def test_another_history_is_a_failure_and_asked_for_from_its_beginning(somebody: Somebody) -> None:
    somebody.comes()
    somebody.person.lost("gone", 1006, [])
    assert somebody.comes("another").asked == [("sync", {"cursors": {ROOM: 0}, "only": True})]
    [error] = somebody.environment.stats.errors.values()
    assert (error.method, error.occurrences) == ("reconnect", 1)


def test_a_connection_is_dropped_if_nobody_wished_it_away(somebody: Somebody) -> None:
    somebody.comes()
    somebody.person.lost("gone", 1006, [])
    assert somebody.tally.dropped == 1
    somebody.is_answered(somebody.comes(), NOTHING_NEW)
    somebody.person.lost(STORM, 0, [])
    somebody.is_answered(somebody.comes(), NOTHING_NEW)
    somebody.is_moved()
    somebody.person.lost("closed with 4503", 4503, [])
    assert somebody.tally.dropped == 1


def comes_back(somebody: Somebody, monkeypatch: pytest.MonkeyPatch) -> gevent.Greenlet:
    """Who has lost a connection is about to get another."""
    monkeypatch.setattr(persons, "Session", lambda *_, **__: Connection())
    somebody.comes()
    somebody.person.lost("gone", 1006, [])
    coming = gevent.spawn(somebody.person._come)
    gevent.sleep(0)
    return coming


def test_who_is_to_move_while_catching_up_catches_up_first(
    somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = comes_back(somebody, monkeypatch)
    again = somebody.comes()
    somebody.is_moved()
    gevent.sleep(0)
    assert not coming.dead
    somebody.is_answered(again, NOTHING_NEW)
    assert coming.get() is True
    assert not somebody.environment.stats.errors


def test_who_is_moved_on_before_having_caught_up_has_not_failed(
    somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = comes_back(somebody, monkeypatch)
    somebody.comes()
    somebody.is_moved()
    somebody.person.lost("closed with 4503", 4503, [])
    assert coming.get() is False
    assert not somebody.environment.stats.errors
