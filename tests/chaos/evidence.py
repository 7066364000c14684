"""What a trial leaves behind to be judged."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.chaos.journal import Journal
from whatchat.domain.ids import ClientId, Rev, RoomId, UserId


class Line(NamedTuple):
    """A message as one person sees it in a room."""

    rev: Rev
    client_id: ClientId
    sender: UserId
    text: str


class View(NamedTuple):
    """A room as one person's client holds it in the end, in the order in which it is shown.

    ``waits``: the client knows of changes that it cannot show, for some before them are missing.
    """

    person: UserId
    room: RoomId
    lines: Sequence[Line]
    cursor: Rev
    waits: bool = False


class Entry(NamedTuple):
    """A change in a room's log."""

    rev: Rev
    actor: UserId
    client_id: ClientId
    is_message: bool


class Log(NamedTuple):
    """A room as the store holds it in the end; ``pending`` are changes not projected yet."""

    room: RoomId
    members: frozenset[UserId]
    entries: Sequence[Entry]
    pending: int = 0


class Evidence(NamedTuple):
    """The journal, the truth, and what those see who must have everything: ``judged``."""

    journal: Journal
    views: Sequence[View]
    logs: Mapping[RoomId, Log]
    judged: frozenset[UserId]
