"""The commands, answers and events of messages."""

from typing import Annotated, ClassVar, Literal

import regex
from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command, RoomEvent
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import ClientIdField, MessageIdField, RoomIdField, SeqField
from whatchat.domain.models import Message, View
from whatchat.domain.text import TEXT, require_text

MAX_CONTENT_BYTES = 16_384
MAX_EMOJI_BYTES = 64

Content = Annotated[str, Meta(min_length=1, max_length=MAX_CONTENT_BYTES), TEXT]
Emoji = Annotated[str, Meta(min_length=1, max_length=MAX_EMOJI_BYTES)]

_GRAPHEME = regex.compile(r"\X")
_BLANK = regex.compile(r"[\p{C}\p{Z}]+")


class SendMessage(Command, frozen=True, kw_only=True):
    """Say something in a room; ``clientId`` makes repeating it harmless."""

    room_id: RoomIdField
    client_id: ClientIdField
    content: Content
    message_type: Literal["text"] = "text"
    reply_to: MessageIdField | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_text(self.content, "content", max_bytes=MAX_CONTENT_BYTES)


class EditMessage(Command, frozen=True, kw_only=True):
    """Say it otherwise: own messages only."""

    message_id: MessageIdField
    content: Content
    client_id: ClientIdField | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_text(self.content, "content", max_bytes=MAX_CONTENT_BYTES)


class DeleteMessage(Command, frozen=True, kw_only=True):
    """Erase a message's content for everyone; a tombstone stays. Own, or a room admin."""

    message_id: MessageIdField


class AddReaction(Command, frozen=True, kw_only=True):
    """React to a message; reacting twice with one emoji is the same as once."""

    message_id: MessageIdField
    emoji: Emoji

    def __post_init__(self) -> None:
        require_emoji(self.emoji)


class RemoveReaction(Command, frozen=True, kw_only=True):
    """Take a reaction back."""

    message_id: MessageIdField
    emoji: Emoji

    def __post_init__(self) -> None:
        require_emoji(self.emoji)


class ReadHistory(Command, frozen=True, kw_only=True):
    """A page of a room's messages: before or after a ``seq``, else the latest."""

    room_id: RoomIdField
    before: SeqField | UnsetType = UNSET
    after: SeqField | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class History(View, frozen=True, kw_only=True):
    """Messages, oldest first; ``hasMore`` in the direction that was asked for."""

    messages: list[Message]
    has_more: bool


class MessageSent(RoomEvent, frozen=True, kw_only=True):
    """Somebody said something."""

    name: ClassVar[str] = "message:new"
    message: Message


class MessageChanged(RoomEvent, frozen=True, kw_only=True):
    """A message was edited, or reactions to it changed."""

    name: ClassVar[str] = "message:updated"
    message: Message


class MessageErased(RoomEvent, frozen=True, kw_only=True):
    """A message was deleted; ``message`` is the tombstone."""

    name: ClassVar[str] = "message:deleted"
    message: Message


def require_emoji(value: str) -> None:
    """Refuse what is not one visible grapheme (Unicode Standard Annex 29)."""
    too_long = len(value.encode(errors="replace")) > MAX_EMOJI_BYTES
    if too_long or not _GRAPHEME.fullmatch(value) or _BLANK.fullmatch(value):
        raise Invalid("`emoji` must be one grapheme", field="emoji")
