"""How changes of messages are told."""

from collections.abc import Sequence
from typing import Final

import msgspec

from whatchat.domain.access import is_public
from whatchat.domain.audience import Announcement, InRoom
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.log import Entry, MessageDeleted, MessageExpired, MessagePosted
from whatchat.domain.message_state import MessageState, is_hidden, seen_by
from whatchat.domain.models import User
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.room_state import RoomRecord
from whatchat.domain.showing import show_message
from whatchat.features.messages.contract import MessageChanged, MessageErased, MessageSent

NOBODY: Final = UserId("")
"""Stands for the other person of a direct room where that one has nothing of its own to see."""


class MessageAnnouncer:
    """Tells a message's room; in a private one only those who had joined before it.

    What is hidden is told to whoever made it alone. Only in direct rooms is anything hidden: of
    a message with hidden parts each of the two people hears what that one sees.
    """

    def __init__(self, directory: UserDirectory) -> None:
        self._directory = directory

    async def announce(
        self,
        entry: Entry,
        record: RoomRecord,
        message: MessageState | None,
        origin: SessionId | None,
    ) -> Sequence[Announcement]:
        if message is None:
            return ()
        sender = await self._directory.user(message.sender_id)
        only = _whose(entry, message)
        audience = InRoom(
            room_id=entry.room_id,
            seq=None if is_public(record) else message.seq,
            except_session=origin,
            only=only,
        )
        return (
            Announcement(
                audience=audience,
                event=_event(entry).name,
                payload=_payload(entry, message, sender, only),
                room_id=entry.room_id,
                rev=entry.rev,
                on_message=True,
                posted_at=entry.at if isinstance(entry.change, MessagePosted) else None,
                author_id=entry.actor_id if isinstance(entry.change, MessagePosted) else None,
                others=b"" if only is None else _for_others(entry, message, sender),
            ),
        )


def _whose(entry: Entry, message: MessageState) -> UserId | None:
    """Who sees the message otherwise than the others do, if anybody: then two versions are told."""
    if message.hidden:
        return message.sender_id
    if is_hidden(entry.change):
        return entry.actor_id
    return None if message.open_rev is None else message.sender_id


def _for_others(entry: Entry, message: MessageState, sender: User) -> bytes:
    """What a change is for those who are not :func:`_whose`; empty if it is nothing to them."""
    if message.hidden or is_hidden(entry.change):
        return b""
    other = next(
        (one.user_id for one in message.hidden_changes if one.user_id != message.sender_id), NOBODY
    )
    return _payload(entry, message, sender, other)


def _payload(entry: Entry, message: MessageState, sender: User, viewer_id: UserId | None) -> bytes:
    seen = message if viewer_id is None else seen_by(message, viewer_id)
    if seen is None:
        raise ValueError(f"entry {entry.rev} is not for its reader")
    event = _event(entry)(room_id=entry.room_id, rev=entry.rev, message=show_message(seen, sender))
    return msgspec.json.encode(event)


def _event(entry: Entry) -> type[MessageSent | MessageChanged | MessageErased]:
    match entry.change:
        case MessagePosted():
            return MessageSent
        case MessageDeleted() | MessageExpired():
            return MessageErased
        case _:
            return MessageChanged
