"""One person of a load test: comes, stays, and comes back whenever the connection is lost."""

import functools
import random
from collections.abc import Callable
from time import monotonic_ns
from typing import Final, NoReturn

import gevent
import msgspec
from gevent.event import Event

from loadtests.swarm.network.http import Cookies
from loadtests.swarm.network.session import Asked, Replied, Reply, Session
from loadtests.swarm.people import told
from loadtests.swarm.people.company import Company
from loadtests.swarm.people.crashes import count_crash
from loadtests.swarm.people.ears import Ears
from loadtests.swarm.people.ledger import Seat
from loadtests.swarm.people.told import Ready, Refusal
from loadtests.swarm.people.voice import Message, Voice, ignored
from whatchat.client.backoff import Backoff, jitter

CONNECT_SECONDS: Final = 20.0
FIRST_DELAY: Final = 1.0
MOST_DELAY: Final = 10.0
GAP_SECONDS: Final = 1.0
STORM: Final = "storm"
"""Why connections are dropped that nobody is to blame for."""

_MS: Final = 1_000


class Person:
    """Number ``number`` of the cast, with ``seats`` in its rooms.

    ``is_here`` is true from the moment at which a session is ready and, after a loss, what was
    missed is caught up with.
    """

    __slots__ = (
        "_begun_us",
        "_company",
        "_cookies",
        "_ears",
        "_epoch",
        "_looked_at",
        "_lost_us",
        "_may_ask",
        "_minded",
        "_moving_ms",
        "_reason",
        "_session",
        "_stir",
        "is_here",
        "number",
        "user_id",
        "voice",
    )

    def __init__(self, company: Company, number: int, seats: list[Seat]) -> None:
        self.number = number
        self.user_id = company.cast.user_id(number)
        self.is_here = False
        self.voice = Voice(company.tally, self, company.run)
        self._company = company
        self._ears = Ears(company.hearing, self, self.user_id, seats)
        self._looked_at = random.choice(seats) if seats else None
        self._cookies = Cookies()
        self._session: Session | None = None
        self._stir = Event()
        self._begun_us = 0
        self._lost_us: int | None = None
        self._moving_ms: int | None = None
        self._epoch = ""
        self._may_ask = False
        self._reason = ""
        self._minded = False

    @property
    def seats(self) -> list[Seat]:
        """The rooms that this person is in."""
        return list(self._ears.seats.values())

    @property
    def is_busy(self) -> bool:
        """Whether something is still to be said, or has no answer yet."""
        return bool(self.voice.waiting or (self._session and self._session.unanswered))

    def unsaid(self) -> list[Message]:
        """All that is not known to be accepted; ``again`` if it may have been."""
        asked = self._session.unanswered.values() if self._session else ()
        sent = [one.about._replace(again=True) for one in asked if isinstance(one.about, Message)]
        return sent + self.voice.waiting

    @property
    def missing(self) -> int:
        """So many messages that this person should have heard by now have not come."""
        return sum(seat.missing for seat in self._ears.seats.values())

    def live(self) -> NoReturn:
        """Be there, in a greenlet of its own, until that is ended."""
        backoff = Backoff(first=FIRST_DELAY, most=MOST_DELAY)
        while True:
            if self._come():
                backoff.reset()
                self._stay()
            if self._moving_ms is None:
                gevent.sleep(backoff.next())

    def drop(self, reason: str) -> None:
        """Lose the connection, if there is one."""
        if self._session is not None:
            self._session.drop(reason)

    def leave(self) -> None:
        """Go away for good, unnoticed by whoever counts."""
        if self._session is not None:
            self._session.close()

    def catch_up(self) -> None:
        """Look once more whether anything is missing."""
        self._ears.catch_up(self.seats, _nothing)

    def ask(self, event: str, body: bytes, replied: Replied, about: object = None) -> bool:
        """Send a command; ``False`` while there is no session."""
        session = self._session
        if session is None or not self._may_ask:
            return False
        self._company.deadlines.expect(session, session.ask(event, body, replied, about))
        return True

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while."""
        self._company.later(seconds, action)

    def mind_gap(self) -> None:
        """Have gaps filled after a second and up to another, unless they close before."""
        if not self._minded:
            self._minded = True
            self.later(GAP_SECONDS + jitter(GAP_SECONDS), self._fill)

    def acknowledge(self, seat: Seat) -> None:
        """Have the others know, after a while, how far a room was heard."""
        if self._company.is_lively and not seat.receipt_due:
            seat.receipt_due = True
            self._company.receipts.add(functools.partial(self._acknowledge, seat))

    # What its session tells.

    def heard(self, data: bytes, start: int, end: int, now_us: int) -> None:
        """Take a message as an event brought it."""
        self._ears.heard(data, start, end, now_us)

    def told(self, event: str, body: bytes) -> None:
        """Take another event; what only people would look at is dropped."""
        if event == "session:ready":
            self._ready(told.ready(body))
        elif event == "session:moving":
            self._moving_ms = told.moving(body).reconnect_after_ms
            if self.is_here:
                self._stir.set()
        elif event == "session:expiring":
            token = self._company.token(self.user_id)
            self.ask("session:refresh", msgspec.json.encode({"token": token}), ignored)
        elif event == "session:resync":
            self.catch_up()
        elif event.startswith(("message:", "room:")):
            self._ears.changed(body)
        elif event == "error":
            self._refused(event, 0, told.error(body))

    def answered(self, asked: Asked, reply: Reply, now_us: int) -> None:
        """Take an ack."""
        if reply.is_ok:
            self._company.timings.of("ack", asked.event).append(now_us - asked.sent_us)
        else:
            error = told.refusal(reply.text())
            self._refused(asked.event, now_us - asked.sent_us, error)
        asked.replied(reply)

    def lost(self, reason: str, code: int, unanswered: list[Asked]) -> None:
        """The session is over; that it is will show in :meth:`live`."""
        self._session = None
        self._may_ask = False
        self._reason = reason
        if code:
            self._company.tally.closed(code)
        if self.is_here:
            self.is_here = False
            self._company.tally.connected -= 1
            self._company.tally.dropped += self._moving_ms is None and reason != STORM
            self._lost_us = _now_us()
        self.voice.interrupted(unanswered)
        self._stir.set()

    def bad_request(self) -> None:
        """A request was answered with 400."""
        self._company.tally.bad_requests += 1

    def crashed(self, error: Exception) -> None:
        """A packet could not be taken."""
        count_crash(self._company.tally, error)

    # Coming and staying.

    def _come(self) -> bool:
        self._begun_us = _now_us()
        self._moving_ms = None
        self._stir.clear()
        try:
            self._session = Session(
                self,
                self._company.address,
                self._cookies,
                self._company.token(self.user_id),
                polling=self._company.is_polling,
            )
        except OSError as error:
            self._reason = f"{error.strerror} here"
        else:
            self._stir.wait(CONNECT_SECONDS)
        if not self.is_here:
            self.drop(f"not ready within {CONNECT_SECONDS:.0f} s")
            if self._moving_ms is None:
                self._failed()
        return self.is_here

    def _stay(self) -> None:
        while self.is_here and self._moving_ms is None:
            self._stir.clear()
            self._stir.wait()
        if self._moving_ms is not None:
            gevent.sleep(self._moving_ms / _MS)
            self.drop("moved")

    def _ready(self, ready: Ready) -> None:
        self._may_ask = True
        is_first = not self._epoch
        if self._epoch not in ("", ready.epoch):
            self._company.timings.failed("reconnect", "epoch", 0, "the history is another one")
            for known in self.seats:
                known.void()
        self._epoch = ready.epoch
        for room in ready.rooms:
            seat = self._ears.seats.get(room.room_id.encode())
            if seat is not None:
                seat.connected()
                if is_first:
                    seat.begun(room.rev)
        if is_first:
            self._company.timings.of("connect", self._company.transport).append(
                _now_us() - self._begun_us
            )
            self._arrived()
        else:
            self._ears.catch_up(self.seats, self._resumed)

    def _resumed(self) -> None:
        if self.is_here:
            return  # a sync that was refused before the connection was lost has been repeated
        if self._lost_us is not None:
            self._company.timings.of("reconnect", "resume").append(_now_us() - self._lost_us)
            self._lost_us = None
        self._arrived()

    def _arrived(self) -> None:
        self.is_here = True
        self._company.tally.connected += 1
        self._stir.set()
        if self._company.is_lively:
            self.voice.watch(self._company.mates(self.seats))
        self.voice.go_on()

    def _failed(self) -> None:
        kind, name = ("reconnect", "resume")
        if not self._epoch:
            kind, name = ("connect", self._company.transport)
        self._company.timings.failed(kind, name, _now_us() - self._begun_us, self._reason)

    def _refused(self, event: str, after_us: int, error: Refusal) -> None:
        self._company.tally.refused += 1
        self._company.timings.failed("ack", event, after_us, error.code)

    def _fill(self) -> None:
        self._minded = False
        behind = [seat for seat in self.seats if seat.has_gap]
        if self.is_here and behind:
            self._ears.catch_up(behind, _nothing)

    def _acknowledge(self, seat: Seat) -> None:
        self.voice.acknowledge(seat, is_open=seat is self._looked_at)


def _nothing() -> None:
    """Nothing follows from some answers."""


def _now_us() -> int:
    return monotonic_ns() // 1_000
