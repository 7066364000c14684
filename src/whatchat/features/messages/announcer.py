"""How changes of messages are told."""

from collections.abc import Sequence

import msgspec

from whatchat.domain.access import is_public
from whatchat.domain.audience import Announcement, InRoom
from whatchat.domain.ids import SessionId
from whatchat.domain.log import Entry, MessageDeleted, MessageExpired, MessagePosted
from whatchat.domain.message_state import MessageState
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.room_state import RoomRecord
from whatchat.domain.showing import show_message
from whatchat.features.messages.contract import MessageChanged, MessageErased, MessageSent


class MessageAnnouncer:
    """Tells a message's room; in a private one only those who had joined before it."""

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
        event = _event(entry)(
            room_id=entry.room_id, rev=entry.rev, message=show_message(message, sender)
        )
        audience = InRoom(
            room_id=entry.room_id,
            seq=None if is_public(record) else message.seq,
            except_session=origin,
        )
        return (
            Announcement(
                audience=audience,
                event=event.name,
                payload=msgspec.json.encode(event),
                room_id=entry.room_id,
                rev=entry.rev,
                on_message=True,
                posted_at=entry.at if isinstance(entry.change, MessagePosted) else None,
                author_id=entry.actor_id if isinstance(entry.change, MessagePosted) else None,
            ),
        )


def _event(entry: Entry) -> type[MessageSent | MessageChanged | MessageErased]:
    match entry.change:
        case MessagePosted():
            return MessageSent
        case MessageDeleted() | MessageExpired():
            return MessageErased
        case _:
            return MessageChanged
