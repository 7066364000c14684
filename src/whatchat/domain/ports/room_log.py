"""Where every change of a room is decided and written."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq
from whatchat.domain.log import AnyChange, Entry
from whatchat.domain.message_state import MessageState
from whatchat.domain.room_state import RoomRecord, RoomState

Rule = Callable[[RoomState], AnyChange | None]


class Proposal(Struct, frozen=True, kw_only=True):
    """A change that somebody asks for.

    ``rule`` is pure: given the room as it is it returns the change, ``None`` where there
    is nothing to do, or raises what forbids it. It runs again whenever the room turns out
    to have moved on. ``body`` is what tells an exact retry under ``client_id`` from a
    conflict; ``target`` is the message that the rule looks at, if it looks at one. ``trace`` is
    that of the command behind it, as a W3C ``traceparent``, if it is sampled.
    """

    actor: Actor
    client_id: ClientId
    body: bytes
    rule: Rule
    target: Seq | None = None
    trace: str = ""


class Applied(Struct, frozen=True, kw_only=True):
    """What a proposal led to.

    ``entry`` is the change in the log, ``None`` if there was nothing to do; ``repeated``
    that an earlier attempt had made it. ``message`` is the message concerned, in its
    current state.
    """

    entry: Entry | None
    record: RoomRecord
    repeated: bool
    message: MessageState | None = None


class RoomLog(Protocol):
    """Decides changes on the room's true state and appends them, one order per room.

    Guarantees: a rule is decided on a state that has every entry before the one it makes;
    the change is durable before :meth:`change` returns and is announced to its audience;
    proposals of one room are taken in the order of the calls; an exact retry returns what
    the first attempt led to and announces it again.
    """

    async def change(
        self, room_id: RoomId, proposal: Proposal, then: Proposal | None = None
    ) -> Applied:
        """Make the change, or find that an earlier attempt made it.

        ``then`` is proposed right behind it, whatever came of it; nobody waits for what that
        leads to. Only other pods' changes come between the two.

        Raises what the rule raises, ``Conflict`` if ``client_id`` was used with another
        body, ``Unavailable`` if the store cannot answer: the outcome is then unknown.
        """
        ...

    async def announcements(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Announcement]:
        """The announcements of the entries after a rev, rebuilt from the store, in order."""
        ...
