"""What a room's writer makes of a proposal."""

import asyncio
from dataclasses import dataclass, field
from time import time

from whatchat.domain.errors import ChatError
from whatchat.domain.ids import SessionId
from whatchat.domain.log import Entry, subject_of
from whatchat.domain.message_state import MessageState
from whatchat.domain.ports.room_log import Applied, Proposal
from whatchat.domain.room_state import RoomState
from whatchat.observability.spans import Span


@dataclass(slots=True)
class Waiting:
    """A proposal and whoever waits for what it leads to, if anybody does.

    ``asked_at`` is when it was queued, in seconds since the epoch. Where its command is sampled,
    ``command`` is that span, and ``span`` this proposal's own, from here until the change is
    durable or refused.
    """

    proposal: Proposal
    future: asyncio.Future[Applied] | None = None
    asked_at: float = field(default_factory=time)
    command: Span | None = None
    span: Span | None = None

    def succeed(self, applied: Applied) -> None:
        """Say what it led to."""
        if self.span:
            self.span.end_unchanged("repeated" if applied.repeated else "unchanged")
        if self.future and not self.future.done():
            self.future.set_result(applied)

    def fail(self, error: ChatError) -> None:
        """Say why it led to nothing."""
        if self.span:
            self.span.end_unchanged(error.code)
        if self.future and not self.future.done():
            self.future.set_exception(error)


@dataclass(slots=True)
class Decision:
    """What a rule said of a proposal on ``state``, the room as it then is.

    An ``entry`` has yet to be appended; without one the rule refused or found nothing to do.
    """

    waiting: Waiting
    state: RoomState
    entry: Entry | None = None
    refusal: ChatError | None = None

    def note_appended(self) -> None:
        """The entry is in the log from now on."""
        if self.entry and self.waiting.span:
            self.waiting.span.end_appended(self.entry.rev)

    @property
    def applied(self) -> Applied:
        """What the proposal led to, once the entry is in the log."""
        return Applied(
            entry=self.entry, record=self.state.record, repeated=False, message=self.message
        )

    @property
    def message(self) -> MessageState | None:
        """The message that it is about, as it leaves that."""
        if self.entry:
            return self.state.messages.get(subject_of(self.entry))
        target = self.waiting.proposal.target
        return None if target is None else self.state.messages.get(target)

    @property
    def origin(self) -> SessionId | None:
        """The socket that asked."""
        return self.waiting.proposal.actor.session_id
