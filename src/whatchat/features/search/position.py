"""Where a page of what was found ends, as clients name it."""

from collections.abc import Mapping
from typing import Final

from whatchat.domain.errors import Invalid, NotFound
from whatchat.domain.ids import MAX_REV, MessageId, RoomId, Seq, UserId, locate
from whatchat.domain.message_state import MessageState, seen_by
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.search_store import MessagePosition
from whatchat.domain.times import EPOCH, from_millis, to_millis

MAX_MILLIS: Final = 253_402_300_799_999
"""The end of the year 9999."""

_SEQ_DIGITS: Final = len(str(MAX_REV))


class Positions:
    """Reads what clients give as ``before``."""

    def __init__(self, messages: MessageStore) -> None:
        self._messages = messages

    async def below(
        self,
        text: str,
        *,
        viewer_id: UserId,
        searched: Mapping[RoomId, Seq],
        room_id: RoomId | None,
    ) -> MessagePosition:
        """The position that ``text`` names: a ``next``, a message, or a ``seq`` of the room.

        Raises ``NotFound`` for a message that the viewer cannot read, in each of the rooms
        ``searched`` from a ``seq`` on.
        """
        if "." in text:
            return _parsed(text)
        if room_id and text.isdecimal() and len(text) <= _SEQ_DIGITS:
            return await self._below_seq(viewer_id, room_id, Seq(int(text)))
        key = locate(MessageId(text))
        if key is None or key[0] not in searched:
            raise NotFound("no such message", field="before")
        state = (await self._messages.messages([key])).get(key)
        if state is None or state.seq < searched[key[0]] or seen_by(state, viewer_id) is None:
            raise NotFound("no such message", field="before")
        return position_of(state)

    async def _below_seq(self, viewer_id: UserId, room_id: RoomId, seq: Seq) -> MessagePosition:
        """Just above the latest message before ``seq``."""
        latest = await self._messages.history(
            room_id, viewer_id=viewer_id, first=Seq(0), before=seq, after=None, limit=1
        )
        at = latest[0].created_at if latest else EPOCH
        return MessagePosition(at=at, seq=seq, room_id=RoomId(""))


def position_of(state: MessageState) -> MessagePosition:
    """The message's own place."""
    return MessagePosition(at=state.created_at, seq=state.seq, room_id=state.room_id)


def shown(position: MessagePosition) -> str:
    """A position as ``next`` has it."""
    return f"{to_millis(position.at)}.{position.seq}.{position.room_id}"


def _parsed(text: str) -> MessagePosition:
    millis, seq, room_id = text.split(".", maxsplit=2)
    if int(millis) > MAX_MILLIS or int(seq) > MAX_REV:
        raise Invalid("`before` is no place in what was found", field="before")
    return MessagePosition(at=from_millis(int(millis)), seq=Seq(int(seq)), room_id=RoomId(room_id))
