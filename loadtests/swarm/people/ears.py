"""What one person hears: events, and by ``sync`` what they did not bring."""

from collections.abc import Callable
from time import monotonic_ns
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from loadtests.bench.frames import AT_DIGITS, EPOCH_US
from loadtests.swarm.network.session import MESSAGE, Replied, Reply
from loadtests.swarm.people import told
from loadtests.swarm.people.ledger import Heard, Seat
from loadtests.swarm.tally import Tally
from loadtests.swarm.timings import Deliveries

AGAIN_SECONDS: Final = 1.0

_ROOM_AT: Final = len(MESSAGE)
_REV_BEHIND: Final = len('","rev":')


class Hearer(Protocol):
    """The rest of the person."""

    def ask(self, event: str, body: bytes, replied: Replied) -> bool:
        """Send a command; ``False`` while there is no connection."""

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while."""

    def mind_gap(self) -> None:
        """Have a gap filled, unless it closes by itself."""

    def acknowledge(self, seat: Seat) -> None:
        """Have the others know that something was heard."""


class Hearing(Struct, frozen=True):
    """What all ears of a process share: where they count, and how this run's ids begin."""

    tally: Tally
    deliveries: Deliveries
    run: str

    @property
    def mark(self) -> bytes:
        """What stands before the time in a message of this run."""
        return b'"clientId":"%b-' % self.run.encode()


class Ears:
    """Keeps the seats by the contract's rule, and notes how long everything took.

    A message that ``sync`` brings took as long as any other, from when it was due: also if nobody
    was here to hear it, as that was not people's wish. Nobody leaves a room of a load test: who is
    said to be in it no longer keeps the seat, and lacks all that is said there. Nor does anybody
    come into another room: a message from one is misdelivered.
    """

    __slots__ = ("_deliveries", "_hearer", "_hearing", "_mark", "_name", "seats")

    def __init__(self, hearing: Hearing, hearer: Hearer, name: str, seats: list[Seat]) -> None:
        self._hearing = hearing
        self._hearer = hearer
        self._name = name
        self._mark = hearing.mark
        self._deliveries = hearing.deliveries
        self.seats = {seat.room.name: seat for seat in seats}

    def heard(self, data: bytes, start: int, end: int, now_us: int) -> None:
        """Take a message as an event brought it."""
        name_at = start + _ROOM_AT
        name_end = data.index(b'"', name_at)
        rev_at = name_end + _REV_BEHIND
        rev = int(data[rev_at : data.index(b",", rev_at)])
        seat = self.seats.get(data[name_at:name_end])
        if seat is None:
            self._hearing.tally.misdelivered += 1
            return
        meaning = seat.heard(rev)
        if meaning is not Heard.NEWS:
            self._count_copy(meaning)
            return
        marked = data.find(self._mark, rev_at, end)
        if marked >= 0:
            due_at = marked + len(self._mark)
            due = int(data[due_at : due_at + AT_DIGITS])
            self._deliveries.note(due, now_us + EPOCH_US)
            self._hearing.tally.delivered += 1
            seat.room.heard.add(rev)
        self._hearer.acknowledge(seat)
        if seat.has_gap:
            self._hearer.mind_gap()

    def changed(self, body: bytes) -> None:
        """Take another event that takes a room's next rev."""
        change = told.change(body)
        seat = self.seats.get(change.room_id.encode())
        if seat is not None:
            seat.passed(change.rev)
            if seat.has_gap:
                self._hearer.mind_gap()

    def catch_up(self, seats: list[Seat], done: Callable[[], None]) -> bool:
        """Have ``sync`` bring what is missing; ``False`` while there is no connection."""

        def take(reply: Reply) -> None:
            if not reply.is_ok:
                self._hearer.later(AGAIN_SECONDS, again)
            elif self._synced(told.synced(reply.text())):
                again()
            else:
                done()

        def again() -> None:
            self.catch_up(seats, done)

        cursors = {seat.room.name.decode(): seat.cursor for seat in seats}
        body = msgspec.json.encode({"cursors": cursors, "only": True})
        return self._hearer.ask("sync", body, take)

    def _synced(self, answer: told.Synced) -> bool:
        """Whether there is more to come."""
        for room in answer.rooms:
            seat = self.seats.get(room.room_id.encode())
            if seat is None:
                self._hearing.tally.misdelivered += len(room.messages)
                continue
            for message in room.messages:
                self._caught(seat, message)
            found = {message.seq for message in room.messages}
            self._hearing.tally.duplicated += len(room.messages) - len(found)
            seat.synced(room.rev)
        return answer.more

    def _caught(self, seat: Seat, message: told.SyncedMessage) -> None:
        is_news = seat.held.add(message.seq)
        run, _, due = message.client_id.partition("-")
        if not is_news or run != self._hearing.run:
            return
        seat.room.heard.add(message.seq)
        if message.sender.id != self._name:
            self._deliveries.note(int(due), monotonic_ns() // 1_000 + EPOCH_US)
            self._hearing.tally.delivered += 1

    def _count_copy(self, meaning: Heard) -> None:
        if meaning is Heard.DUPLICATE:
            self._hearing.tally.duplicated += 1
        else:
            self._hearing.tally.repeated += 1
