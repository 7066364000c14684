"""What acknowledges commands."""

from typing import Any

import msgspec
from msgspec import Struct

from whatchat.client.views import Message, Room


class MessageAck(Struct, frozen=True, kw_only=True):
    """What acknowledges a command on a message."""

    message: Message


class RoomAck(Struct, frozen=True, kw_only=True):
    """What acknowledges a command on a room."""

    room: Room


def acked_message(data: Any) -> Message:
    """The message in an ack."""
    return msgspec.convert(data, MessageAck).message


def acked_room(data: Any) -> Room:
    """The room in an ack."""
    return msgspec.convert(data, RoomAck).room
