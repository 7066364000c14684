"""How a feature tells about the changes it makes."""

from collections.abc import Sequence
from typing import Protocol

from whatchat.domain.audience import Announcement
from whatchat.domain.ids import SessionId
from whatchat.domain.log import Entry
from whatchat.domain.message_state import MessageState
from whatchat.domain.room_state import RoomRecord


class Announcer(Protocol):
    """Turns an entry into events, each with its audience."""

    async def announce(
        self,
        entry: Entry,
        record: RoomRecord,
        message: MessageState | None,
        origin: SessionId | None,
    ) -> Sequence[Announcement]:
        """The events of ``entry``; the same again whenever asked, but for current states.

        ``record`` and ``message`` are the room and the message concerned as they are after
        the entry or later, ``origin`` is the socket whose ack tells it.
        """
        ...
