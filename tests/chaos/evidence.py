"""What a trial leaves behind to be judged."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Self

from msgspec import UNSET

from tests.chaos.journal import How, Journal
from whatchat.client.views import Message
from whatchat.domain.ids import ClientId, Rev, RoomId, UserId
from whatchat.domain.message_state import MessageState


class Line(NamedTuple):
    """A message as it is somewhere: its words, whether they were deleted, who reacts and how.

    ``changed`` is the rev of its latest change, 0 if there was none.
    """

    rev: Rev
    client_id: ClientId
    sender: UserId
    text: str
    changed: Rev = Rev(0)
    is_deleted: bool = False
    reactions: frozenset[tuple[str, UserId]] = frozenset()

    @classmethod
    def of(cls, one: Message) -> Self:
        """As a client shows it."""
        return cls(
            Rev(one.seq),
            one.client_id,
            one.sender.id,
            one.content,
            _changed(one),
            one.deleted_at is not UNSET,
            frozenset((each.emoji, user) for each in one.reactions for user in each.users),
        )

    @classmethod
    def of_state(cls, one: MessageState) -> Self:
        """As the store has it."""
        return cls(
            Rev(one.seq),
            one.client_id,
            one.sender_id,
            one.content,
            _changed(one),
            one.deleted_at is not None,
            frozenset((mark.emoji, mark.user_id) for mark in one.reactions if mark.present),
        )


def _changed(one: Message | MessageState) -> Rev:
    return one.rev if one.rev > one.seq else Rev(0)


class View(NamedTuple):
    """A room as one person's client holds it in the end, in the order in which it is shown.

    ``waits``: the client knows of changes that it cannot show, for some before them are missing.
    ``last`` is what the list of rooms shows of it.
    """

    person: UserId
    room: RoomId
    lines: Sequence[Line]
    cursor: Rev
    waits: bool = False
    last: Line | None = None


class Alteration(NamedTuple):
    """What a log's entry changes about the message at rev ``of``; ``what`` is an emoji."""

    how: How
    of: Rev
    what: str = ""


class Entry(NamedTuple):
    """A change in a room's log: of a message if it has an ``alteration``."""

    rev: Rev
    actor: UserId
    client_id: ClientId
    is_message: bool
    alteration: Alteration | None = None


class Log(NamedTuple):
    """A room as the store holds it in the end; ``pending`` are changes not projected yet.

    ``lines`` are its messages as the changes left them; ``bodies`` the revs of projected
    changes that still hold what somebody wrote.
    """

    room: RoomId
    members: frozenset[UserId]
    entries: Sequence[Entry]
    pending: int = 0
    lines: Sequence[Line] = ()
    bodies: Collection[Rev] = ()


class Evidence(NamedTuple):
    """The journal, the truth, and what those see who must have everything: ``judged``.

    ``absent`` are those of them who are not connected in the end.
    """

    journal: Journal
    views: Sequence[View]
    logs: Mapping[RoomId, Log]
    judged: frozenset[UserId]
    absent: frozenset[UserId] = frozenset()
