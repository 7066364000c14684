"""What the people of a run have met so far, counted where they are and summed up in the master."""

from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec
from locust import events
from locust.env import Environment
from msgspec import Struct, field

_REPORTED: Final = "whatchat"


class Tally(Struct, kw_only=True):
    """Sums over everybody; ``connected`` is how many are signed in now.

    ``due`` messages were to be said, whatever became of that. ``accepted`` ones were acknowledged,
    ``in_time`` those of them before the talk was over, ``warming`` before the hold began.
    ``delivered`` counts each once for each person other than its sender who holds it. ``lost`` and
    ``duplicated`` are what the ledger found; ``repeated`` are copies that the client's rule
    dropped, as it should. ``misdelivered`` messages are of a room in which their hearer is not.
    ``dropped`` connections of people who were signed in are lost without having been asked to move
    and without a storm. ``refused`` acks were not ok. ``unknown`` sends had no ack when they
    should have, or lost their connection before, and were sent again; ``unresolved`` ones had none
    even at the end. ``unsent`` were due while their sender was away for good; ``absent`` people
    were not signed in at the end, so that nothing is known of what they lack. ``crashed`` is how
    often something went wrong in the players themselves.
    """

    connected: int = 0
    due: int = 0
    accepted: int = 0
    in_time: int = 0
    warming: int = 0
    delivered: int = 0
    lost: int = 0
    duplicated: int = 0
    repeated: int = 0
    misdelivered: int = 0
    dropped: int = 0
    refused: int = 0
    unknown: int = 0
    unresolved: int = 0
    unsent: int = 0
    absent: int = 0
    judged: int = 0
    bad_requests: int = 0
    crashed: int = 0
    closed_by_code: dict[int, int] = field(default_factory=dict)

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        sums = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__struct_fields__
            if name != "closed_by_code"
        }
        codes = {*self.closed_by_code, *other.closed_by_code}
        closed = {
            code: self.closed_by_code.get(code, 0) + other.closed_by_code.get(code, 0)
            for code in sorted(codes)
        }
        return Tally(**sums, closed_by_code=closed)

    def closed(self, code: int) -> None:
        """One more connection ended with that WebSocket close code."""
        self.closed_by_code[code] = self.closed_by_code.get(code, 0) + 1


class Tallies:
    """Those of one Locust environment: its own people's, and in a master its workers' latest."""

    def __init__(self) -> None:
        self.own = Tally()
        self._of_workers: dict[str, Tally] = {}

    def heard(self, worker: str, tally: Tally) -> None:
        """What a worker has reported; it replaces what it reported before."""
        self._of_workers[worker] = tally

    def begin(self) -> None:
        """Count anew."""
        self.own = Tally()
        self._of_workers.clear()

    @property
    def total(self) -> Tally:
        """Everybody's by now; it does not change any more."""
        total = Tally().plus(self.own)
        for tally in self._of_workers.values():
            total = total.plus(tally)
        return total


_tallies: Final[WeakKeyDictionary[Environment, Tallies]] = WeakKeyDictionary()


def tallies(environment: Environment) -> Tallies:
    """Those of that environment: ``tallies(environment).total`` is what is shown and judged."""
    return _tallies.setdefault(environment, Tallies())


def follow(environment: Environment, **_: Any) -> None:
    """Have what workers count arrive in the master, every few seconds and at the end."""
    found = tallies(environment)

    def report(data: dict[str, Any], **_: Any) -> None:
        data[_REPORTED] = msgspec.to_builtins(found.own, str_keys=True)

    def hear(client_id: str, data: dict[str, Any]) -> None:
        if _REPORTED in data:
            found.heard(client_id, msgspec.convert(data[_REPORTED], Tally, strict=False))

    def begin(**_: Any) -> None:
        found.begin()

    environment.events.report_to_master.add_listener(report)
    environment.events.worker_report.add_listener(hear)
    environment.events.test_start.add_listener(begin)


events.init.add_listener(follow)
