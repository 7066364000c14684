"""How far one person has got in a room since the others were last told."""

from collections.abc import Iterator
from typing import NamedTuple

from whatchat.domain.ids import Seq, SessionId, UserId
from whatchat.domain.ports.receipt_store import Cursors, Moved
from whatchat.features.receipts.contract import ReceiptDelivered, ReceiptRead
from whatchat.features.receipts.told import Told


class Span(NamedTuple):
    """What one event tells: from where to where others may know, and how far oneself."""

    event: type[ReceiptDelivered | ReceiptRead]
    shown_after: Seq
    shown: Seq
    own: Seq


class News:
    """The moves of one person in one room, gathered."""

    __slots__ = ("after", "before", "is_delivered", "is_read", "sessions", "user_id")

    def __init__(self, user_id: UserId, before: Cursors) -> None:
        self.user_id = user_id
        self.before = self.after = before
        self.is_delivered = self.is_read = False
        self.sessions: set[SessionId | None] = set()

    def add(self, told: Told, moved: Moved) -> None:
        """Take a move in."""
        self.after = moved.after
        self.is_delivered = self.is_delivered or told.delivered is not None
        self.is_read = self.is_read or told.read is not None
        self.sessions |= told.sessions

    @property
    def origin(self) -> SessionId | None:
        """The socket that need not be told, if all came from one."""
        return next(iter(self.sessions)) if len(self.sessions) == 1 else None

    def spans(self) -> Iterator[Span]:
        """What there is to tell."""
        before, after = self.before, self.after
        # Who learns what was read knows that it arrived; of private reading others learn that.
        is_unread = after.shown_delivered_seq > max(
            before.shown_delivered_seq, after.shown_read_seq
        )
        if (self.is_delivered or is_unread) and after.delivered_seq > before.delivered_seq:
            yield Span(
                ReceiptDelivered,
                before.shown_delivered_seq,
                after.shown_delivered_seq,
                after.delivered_seq,
            )
        if self.is_read and after.read_seq > before.read_seq:
            yield Span(
                ReceiptRead,
                before.shown_read_seq,
                after.shown_read_seq,
                after.read_seq,
            )
