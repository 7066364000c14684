"""The words of messages in the store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.ports.message_store import MessageKey


class MessagePosition(Struct, frozen=True, kw_only=True, order=True):
    """A place among the messages of many rooms: by time, then by ``seq``, then by room."""

    at: datetime
    seq: Seq
    room_id: RoomId


class Candidates(Struct, frozen=True, kw_only=True):
    """Messages that may be what is looked for, newest first.

    ``next`` is where to go on: there may be more below it, even if none were found above it.
    ``None``: that was all.
    """

    keys: tuple[MessageKey, ...]
    next: MessagePosition | None


class SearchStore(Protocol):
    """Finds messages by their words; :class:`MessageStore` keeps these in its own writes.

    Every message but the system's is found by the words (``domain.words``) of what it says,
    also by those of a hidden edit and of what others see in its place: what a reader sees is
    for the caller to verify. Words go with what they stood in, when a message is edited,
    deleted or erased. Messages that were posted by versions without search are not found.
    Methods raise ``Unavailable`` when the store is down or late.
    """

    async def candidates(
        self,
        words: Sequence[str],
        first: Mapping[RoomId, Seq],
        *,
        viewer_id: UserId,
        before: MessagePosition | None,
        limit: int,
    ) -> Candidates:
        """Messages with all of ``words``, of which there is at least one.

        In the rooms of ``first``, each from that ``seq`` on, below ``before``; without those
        that are hidden from the viewer, of which ``next`` says nothing either. At most
        ``limit``, and fewer than there are if finding them would take looking at very many.
        """
        ...
