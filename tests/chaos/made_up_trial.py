"""A trial of three people in which all is well, until somebody tampers with the evidence."""

from tests.chaos.evidence import Alteration, Entry, Evidence, Line, Log, View
from tests.chaos.history import lines_after
from tests.chaos.journal import (
    Accepted,
    Changed,
    Changing,
    Heard,
    How,
    Journal,
    Record,
    Sent,
    Shown,
    Synced,
    Turned,
    Vanished,
)
from tests.chaos.told import Told
from whatchat.domain.ids import ClientId, Rev, RoomId, UserId

ANN, BOB, CAT = (UserId(name) for name in ("ann", "bob", "cat"))
TEA, CAKE = RoomId("tea"), RoomId("cake")
MEMBERS = {TEA: frozenset({ANN, BOB, CAT}), CAKE: frozenset({ANN, BOB})}
SAID = 6
"""So many messages are said in each room, by its people in turn."""


class MadeUpTrial:
    """People who talk in two rooms; each list and mapping is there to be tampered with."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.views: dict[tuple[UserId, RoomId], list[Line]] = {}
        self.logs: dict[RoomId, list[Entry]] = {}
        self.cursors: dict[tuple[UserId, RoomId], Rev] = {}
        self.waiting: set[tuple[UserId, RoomId]] = set()
        self.absent: set[UserId] = set()
        self.pending = 0
        self.bodies: list[Rev] = []
        self.stored: dict[tuple[RoomId, Rev], Line | None] = {}
        self.last: dict[tuple[UserId, RoomId], Line] = {}
        for room, people in MEMBERS.items():
            self.logs[room] = [Entry(Rev(1), ANN, ClientId(f"{room} is opened"), is_message=False)]
            for person in people:
                self.views[person, room] = []
                self.records.append(Synced(0, person, asked=True))
                self.records.append(Heard(0, person, room, Rev(1), "room:created"))
            for number in range(SAID):
                self.say(sorted(people)[number % len(people)], room)

    @property
    def now(self) -> float:
        return float(len(self.records))

    def say(self, person: UserId, room: RoomId) -> ClientId:
        """Have something said, accepted and shown to everybody."""
        client_id = self.send(person, room)
        rev = self.keep(client_id)
        self.records.append(Accepted(self.now, person, room, client_id, rev))
        self.show(client_id, rev)
        return client_id

    def send(self, person: UserId, room: RoomId) -> ClientId:
        client_id = ClientId(f"{room} {len(self.logs[room]) + 1} {self.now}")
        self.records.append(Sent(self.now, person, room, client_id, f"text of {client_id}"))
        return client_id

    def keep(self, client_id: ClientId) -> Rev:
        """Have it in the log."""
        sent = self.sent(client_id)
        rev = Rev(len(self.logs[sent.room]) + 1)
        self.logs[sent.room].append(Entry(rev, sent.person, client_id, is_message=True))
        return rev

    def show(self, client_id: ClientId, rev: Rev, *, after: float = 0) -> None:
        """Have everybody in the room see it."""
        sent = self.sent(client_id)
        for person in MEMBERS[sent.room]:
            at = self.now + after
            self.records.append(Shown(at, person, sent.room, rev, client_id, "live", rev))
            self.views[person, sent.room].append(Line(rev, sent.client_id, sent.person, sent.text))

    def change(self, person: UserId, client_id: ClientId, how: How, what: str = "") -> ClientId:
        """Have a message changed, which is accepted, kept and told to everybody."""
        change_id = self.wish(person, client_id, how, what)
        self.records.append(Changed(self.now, person, change_id))
        self.turn(client_id, self.keep_change(change_id))
        return change_id

    def wish(self, person: UserId, client_id: ClientId, how: How, what: str = "") -> ClientId:
        """Have somebody begin to change a message."""
        room, change_id = self.sent(client_id).room, ClientId(f"{how} {what} {self.now}")
        self.records.append(Changing(self.now, person, room, change_id, client_id, how, what))
        return change_id

    def keep_change(self, change_id: ClientId) -> Rev:
        """Have it in the log."""
        [asked] = [one for one in self.records if isinstance(one, Changing) and one[3] == change_id]
        log = self.logs[asked.room]
        [seq] = [one.rev for one in log if one.is_message and one.client_id == asked.of]
        emoji = asked.what if asked.how in {"react", "unreact"} else ""
        rev, altered = Rev(len(log) + 1), Alteration(asked.how, seq, emoji)
        log.append(Entry(rev, asked.person, change_id, is_message=False, alteration=altered))
        return rev

    def turn(self, client_id: ClientId, rev: Rev) -> None:
        """Have everybody in the room see a message as the log now has it."""
        room = self.sent(client_id).room
        line = next(one for one in self.lines(room).values() if one.client_id == client_id)
        for person in MEMBERS[room]:
            self.tell(person, line, rev, room)
            lines = self.views[person, room]
            lines[:] = [line if one.client_id == client_id else one for one in lines]

    def tell(self, person: UserId, line: Line, rev: Rev, room: RoomId = TEA) -> None:
        """Have one person told how a message is now."""
        told = (rev, line.client_id, line.changed, line.text, line.is_deleted)
        self.records.append(Turned(self.now, person, room, *told))

    def lines(self, room: RoomId) -> dict[Rev, Line]:
        """A room's messages as its log has them."""
        nothing = Evidence(Journal(self.records), [], {}, frozenset())
        log = Log(room, MEMBERS[room], self.logs[room])
        return lines_after(log, Told.by(nothing))

    def sent(self, client_id: ClientId) -> Sent:
        [sent] = [one for one in self.records if isinstance(one, Sent) and one[3] == client_id]
        return sent

    def evidence(self) -> Evidence:
        logs = {room: self._log(room) for room in self.logs}
        views = [
            View(
                *(person, room, lines, self._cursor(person, room)),
                waits=(person, room) in self.waiting,
                last=self.last.get((person, room), lines[-1] if lines else None),
            )
            for (person, room), lines in self.views.items()
        ]
        gone = {one.person for one in self.records if isinstance(one, Vanished)}
        judged = frozenset({ANN, BOB, CAT} - gone)
        return Evidence(Journal(self.records), views, logs, judged, frozenset(self.absent))

    def _log(self, room: RoomId) -> Log:
        stored = {rev: self.stored.get((room, rev), line) for rev, line in self.lines(room).items()}
        return Log(
            *(room, MEMBERS[room], self.logs[room]),
            pending=self.pending if room == TEA else 0,
            lines=[line for line in stored.values() if line],
            bodies=self.bodies if room == TEA else [],
        )

    def _cursor(self, person: UserId, room: RoomId) -> Rev:
        head = self.logs[room][-1].rev if room in self.logs else Rev(0)
        return self.cursors.get((person, room), head)
