"""A trial of three people in which all is well, until somebody tampers with the evidence."""

from tests.chaos.evidence import Entry, Evidence, Line, Log, View
from tests.chaos.journal import Accepted, Heard, Journal, Record, Sent, Shown, Synced, Vanished
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
        self.pending = 0
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
            self.records.append(Shown(at, person, sent.room, rev, client_id, "live"))
            self.views[person, sent.room].append(Line(rev, sent.client_id, sent.person, sent.text))

    def sent(self, client_id: ClientId) -> Sent:
        [sent] = [one for one in self.records if isinstance(one, Sent) and one[3] == client_id]
        return sent

    def evidence(self) -> Evidence:
        logs = {
            room: Log(room, MEMBERS[room], entries, self.pending if room == TEA else 0)
            for room, entries in self.logs.items()
        }
        views = [
            View(person, room, lines, self._cursor(person, room), (person, room) in self.waiting)
            for (person, room), lines in self.views.items()
        ]
        gone = {one.person for one in self.records if isinstance(one, Vanished)}
        return Evidence(Journal(self.records), views, logs, frozenset({ANN, BOB, CAT} - gone))

    def _cursor(self, person: UserId, room: RoomId) -> Rev:
        head = self.logs[room][-1].rev if room in self.logs else Rev(0)
        return self.cursors.get((person, room), head)
