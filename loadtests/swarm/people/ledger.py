"""What everybody must have heard, and what each has: losses and copies are counted, not guessed.

**Lost** is a message that some sender of this process had acknowledged and that a member of its
room does not hold in the end: neither from an event nor from ``sync`` nor as its sender. It is
asked of those who are signed in then, about what came after they had first signed in.

**Duplicated** is either of these; nothing that a client is told to drop hides them.

- One connection brought the same message as an event twice: events come in ``rev`` order, once.
- One message was stored twice: somebody heard one of this run, under a ``seq`` that no sender
  was told, in a room where no outcome is unknown. That is what a retry must never lead to.
- One answer to ``sync`` held the same message twice.

A copy that comes by another way than the first, as an event of what ``sync`` or an ack has already
brought, is what the client's rule is for: it is dropped and counted as ``repeated``. So is one's
own message as an event on the connection that has its ack: a pod which after an outage reads from
the log what it was not told no longer knows from which connection that came.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from loadtests.swarm.people.runs import Runs

OWN_AGAIN: Final = 100
"""So many of one's own messages in a room may still come as events; older ones are copies."""


class Heard(Enum):
    """What a message is to whom an event brings it."""

    NEWS = "news"
    REPEATED = "repeated"
    DUPLICATE = "duplicate"


class Room:
    """A room as all people of this process know it together.

    ``accepted`` are the places of the messages that their senders had acknowledged; ``heard``
    those of this run that anybody met.
    """

    __slots__ = ("accepted", "heard", "members", "name")

    def __init__(self, name: bytes, members: Sequence[int]) -> None:
        self.name = name
        self.members = members
        self.accepted = Runs()
        self.heard = Runs()

    def copies(self, unresolved: int) -> int:
        """How many messages are in the room twice, if so many sends never had an answer."""
        return max(0, self.heard.without(self.accepted) - unresolved)


class Seat:
    """One person's place in a room.

    ``cursor`` is the contract's: everything up to it is known. ``held`` are the messages there,
    and all that was before this person came.
    """

    __slots__ = ("_early", "_live", "cursor", "held", "receipt_due", "room")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.cursor = 0
        self.held = Runs()
        self.receipt_due = False
        self._live = Runs()
        self._early: set[int] = set()

    @property
    def has_gap(self) -> bool:
        """Whether something is known from beyond what is missing."""
        return bool(self._early)

    @property
    def missing(self) -> int:
        """So many accepted messages are not held."""
        return self.room.accepted.without(self.held)

    def begun(self, upto: int) -> None:
        """The person came for the first time; whatever is older is not asked for."""
        self.cursor = upto
        self.held = Runs(upto)

    def void(self) -> None:
        """The room's history is another one: nothing is known of it."""
        self.cursor = 0
        self._early = set()

    def connected(self) -> None:
        """A new connection may bring as events what another has brought."""
        self._live = Runs()

    def heard(self, rev: int) -> Heard:
        """An event brought the message at ``rev``; what that means."""
        if not self._live.add(rev):
            return Heard.DUPLICATE
        self.passed(rev)
        return Heard.NEWS if self.held.add(rev) else Heard.REPEATED

    def said(self, seq: int) -> None:
        """The person's own message is at ``seq``, as its ack says.

        Once an event may bring it too: what a pod announces anew, after an outage, it reads from
        the log, which does not know whose socket had the ack. That is of the latest: ``_live``,
        in which each own message leaves a gap, keeps no more of these than there may be.
        """
        self._live.merge(but=OWN_AGAIN)
        self.room.accepted.add(seq)
        self.held.add(seq)
        self.passed(seq)

    def passed(self, rev: int) -> None:
        """That change is known now; the cursor moves up to the next gap."""
        if rev == self.cursor + 1:
            self.cursor = rev
            if self._early:
                self._drain()
        elif rev > self.cursor:
            self._early.add(rev)

    def synced(self, rev: int) -> None:
        """``sync`` says that everything up to ``rev`` is known now."""
        self.cursor = max(self.cursor, rev)
        self._drain()

    def _drain(self) -> None:
        early = {rev for rev in self._early if rev > self.cursor}
        while self.cursor + 1 in early:
            self.cursor += 1
            early.remove(self.cursor)
        self._early = early
