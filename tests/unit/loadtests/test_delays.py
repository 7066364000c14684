"""Commands whose acks do not come."""

from typing import cast

import pytest
from locust.env import Environment
from locust.stats import StatsError

from loadtests.swarm.network.session import Asked, Session
from loadtests.swarm.people.delays import Deadlines
from loadtests.swarm.timings import Timings

SENT = Asked("message:send", 0, lambda _: None, None)


class Silent:
    """A session with commands that nobody has answered yet."""

    def __init__(self, *numbers: int) -> None:
        self.unanswered = dict.fromkeys(numbers, SENT)
        self.is_open = True
        self.reasons: list[str] = []

    def drop(self, reason: str) -> None:
        self.is_open = False
        self.reasons.append(reason)


class Watched:
    """Deadlines that are over at once, and what Locust hears of them."""

    def __init__(self) -> None:
        self._environment = Environment()
        self._environment.create_local_runner()
        self._deadlines = Deadlines(0)

    def expect(self, session: Silent, *numbers: int) -> None:
        for number in numbers:
            self._deadlines.expect(cast("Session", session), number)

    def enforce(self) -> list[StatsError]:
        self._deadlines.enforce(Timings(self._environment))
        return list(self._environment.stats.errors.values())


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_each_command_without_an_ack_has_failed(watched: Watched) -> None:
    session, other = Silent(1, 2), Silent(1)
    watched.expect(session, 1, 2)
    watched.expect(other, 1)
    [error] = watched.enforce()
    assert (error.method, error.name, error.occurrences) == ("ack", "message:send", 3)
    assert {*session.reasons, *other.reasons} == {"no ack within 0 s"}
    assert not session.is_open
    assert watched.enforce() == [error]
    assert error.occurrences == 3


def test_what_has_its_ack_is_well(watched: Watched) -> None:
    session = Silent()
    watched.expect(session, 1)
    assert watched.enforce() == []
    assert session.is_open


def test_a_lost_connection_owes_no_ack(watched: Watched) -> None:
    session = Silent(1)
    watched.expect(session, 1)
    session.is_open = False
    assert watched.enforce() == []
    assert not session.reasons
