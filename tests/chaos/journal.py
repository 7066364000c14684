"""What happened, as those saw it to whom it happened; times are monotonic, in seconds."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import msgspec

from whatchat.domain.ids import ClientId, Rev, RoomId, UserId

Way = Literal["live", "ack", "sync"]
How = Literal["edit", "delete", "react", "unreact"]
Turn = Literal["breaking", "healed", "quiet", "judged"]


class Sent(NamedTuple):
    """Somebody began to send a message, once for however many attempts."""

    at: float
    person: UserId
    room: RoomId
    client_id: ClientId
    text: str


class Accepted(NamedTuple):
    """The sender was told that a message is in the log, and where."""

    at: float
    person: UserId
    room: RoomId
    client_id: ClientId
    rev: Rev


class Changing(NamedTuple):
    """Somebody began to change the message ``of``; ``what`` is the new text, or an emoji.

    An edit goes under this ``client_id``; of other changes the journal alone knows it.
    """

    at: float
    person: UserId
    room: RoomId
    client_id: ClientId
    of: ClientId
    how: How
    what: str


class Changed(NamedTuple):
    """Who began a change was told that it is in the log."""

    at: float
    person: UserId
    client_id: ClientId


class Refusal(NamedTuple):
    """The sender was told that a message, or a change of one, is not wanted."""

    at: float
    person: UserId
    client_id: ClientId
    code: str


class Unknown(NamedTuple):
    """The sender has given up: the message, or the change, may be in the log or not."""

    at: float
    person: UserId
    client_id: ClientId


class Vanished(NamedTuple):
    """The sender is gone for ever; its pod has written the message and not published it."""

    at: float
    person: UserId
    client_id: ClientId


class Heard(NamedTuple):
    """A room's event reached a client over its connection, for the first time or again."""

    at: float
    person: UserId
    room: RoomId
    rev: Rev
    name: str


class Shown(NamedTuple):
    """A client told its user of a new message, by the event ``by``.

    That is the message's own rev, or that of its latest change where ``sync`` brought both.
    """

    at: float
    person: UserId
    room: RoomId
    rev: Rev
    client_id: ClientId
    way: Way
    by: Rev


class Turned(NamedTuple):
    """A client told its user, by the event at ``rev``, how a message is since ``changed``."""

    at: float
    person: UserId
    room: RoomId
    rev: Rev
    client_id: ClientId
    changed: Rev
    text: str
    is_deleted: bool


class Synced(NamedTuple):
    """A client asked what it lacks; ``asked`` to by a gap, a resync or a connection."""

    at: float
    person: UserId
    asked: bool


class Joined(NamedTuple):
    """A client has a connection: it was told that its session is ready."""

    at: float
    person: UserId


class Left(NamedTuple):
    """A client has no connection any more, by its own will or not."""

    at: float
    person: UserId


class Barred(NamedTuple):
    """A client looked for a connection and got none: it will try again."""

    at: float
    person: UserId
    why: str


class Probed(NamedTuple):
    """A process of the product that runs was asked whether it lives."""

    at: float
    process: str
    lives: bool


class Marked(NamedTuple):
    """A turn in the course of a trial."""

    at: float
    what: Turn


Record = (
    Sent
    | Accepted
    | Changing
    | Changed
    | Refusal
    | Unknown
    | Vanished
    | Heard
    | Shown
    | Turned
    | Synced
    | Joined
    | Left
    | Barred
    | Probed
    | Marked
)
R = TypeVar("R", bound=Record)


class Journal:
    """Records in the order of their coming; none is ever changed or taken away."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records: list[Record] = []
        self._counts: Counter[type[Record]] = Counter()
        for record in records:
            self.note(record)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def note(self, record: Record) -> None:
        """Add a record."""
        self._records.append(record)
        self._counts[type(record)] += 1

    def count(self, kind: type[Record]) -> int:
        """How many records there are of a kind."""
        return self._counts[kind]

    def of(self, kind: type[R]) -> list[R]:
        """The records of a kind."""
        return [record for record in self._records if isinstance(record, kind)]

    def marked(self, what: Turn) -> float:
        """When a turn was taken."""
        return next(mark.at for mark in self.of(Marked) if mark.what == what)

    def write(self, path: Path) -> None:
        """Leave the records in a file, one a line."""
        path.write_bytes(
            b"\n".join(
                msgspec.json.encode({"kind": type(record).__name__, **record._asdict()})
                for record in self._records
            )
        )
