"""The commands and events of receipts."""

from typing import ClassVar

from whatchat.domain.contract import Command, Event
from whatchat.domain.ids import RoomId, RoomIdField, Seq, SeqField, UserId


class MarkDelivered(Command, frozen=True, kw_only=True):
    """The calling device holds everything up to ``seq`` without a gap."""

    room_id: RoomIdField
    seq: SeqField


class MarkRead(Command, frozen=True, kw_only=True):
    """The caller has read everything up to ``seq``."""

    room_id: RoomIdField
    seq: SeqField


class Receipt(Event, frozen=True, kw_only=True):
    """Base of what is told of one person; ``seq`` only ever grows."""

    room_id: RoomId
    user_id: UserId
    seq: Seq


class ReceiptDelivered(Receipt, frozen=True, kw_only=True):
    """A device of that person holds everything up to ``seq``."""

    name: ClassVar[str] = "receipt:delivered"


class ReceiptRead(Receipt, frozen=True, kw_only=True):
    """That person has read everything up to ``seq``, and so received it."""

    name: ClassVar[str] = "receipt:read"


class ReceiptsCounted(Event, frozen=True, kw_only=True):
    """How many others have got as far as one's message ``seq``, in a room above 256 people."""

    name: ClassVar[str] = "receipt:summary"

    room_id: RoomId
    seq: Seq
    delivered: int
    read: int
