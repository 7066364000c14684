"""The commands and events of typing."""

from typing import ClassVar

from whatchat.domain.contract import Command, Event
from whatchat.domain.ids import RoomId, RoomIdField, UserId


class StartTyping(Command, frozen=True, kw_only=True):
    """I am typing in a room; said again every few seconds while it goes on."""

    room_id: RoomIdField


class StopTyping(Command, frozen=True, kw_only=True):
    """I have stopped; harmless if I was not typing."""

    room_id: RoomIdField


class TypingStarted(Event, frozen=True, kw_only=True):
    """Somebody is typing: for six seconds, unless it is said again or stopped."""

    name: ClassVar[str] = "typing:start"

    room_id: RoomId
    user_id: UserId
    username: str


class TypingStopped(Event, frozen=True, kw_only=True):
    """Somebody is typing no longer."""

    name: ClassVar[str] = "typing:stop"

    room_id: RoomId
    user_id: UserId
    username: str
